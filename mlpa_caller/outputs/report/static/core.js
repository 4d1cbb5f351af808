// What every chart needs: the data, colours, words, and drawing only when a chart comes into view.
const data = JSON.parse(document.getElementById("report-data").textContent);
const colours = {
  loss: "#d55e00", gain: "#0072b2", normal: "#33404f", reference: "#7b8794", band: "#e4e8ed",
  gene: "#8d97a3", grid: "#e6e9ee", ink: "#1c2430", uncertain: "#c98500"
};
const series = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#8a6d00", "#1c2430"];
const symbols = ["circle", "rect", "triangle", "diamond", "pin", "roundRect", "arrow"];
const font = "system-ui, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', Arial, sans-serif";
const builders = {};
const drawn = new Map();

function number(value, decimals) {
  return value === null || value === undefined ? "unknown" : value.toFixed(decimals);
}

// A probability that never reads as certain.
function chance(value) {
  return value >= 0.9995 ? "> 0.999" : value.toFixed(3);
}

// A tooltip from lines of text; names are set as text and never read as markup.
function tip(lines) {
  const box = document.createElement("div");
  box.className = "tip";
  lines.filter(Boolean).forEach(function (line, i) {
    const row = document.createElement(i ? "span" : "b");
    row.textContent = line;
    box.appendChild(row);
    if (i) { box.appendChild(document.createElement("br")); }
  });
  return box;
}

function tooltip(trigger, formatter) {
  return {
    trigger: trigger, confine: true, formatter: formatter, transitionDuration: 0, padding: [5, 8],
    axisPointer: { type: "shadow", animation: false, label: { show: false } }
  };
}

function probeLines(sample, probe) {
  const about = data.probes[probe];
  const ratio = sample.ratio[probe];
  const band = sample.band || data.band;
  const place = about[1] ? about[1] + (about[2] ? " exon " + about[2] : "") : about[3];
  return [
    about[0] + " (" + place + ")",
    ratio === null ? "no ratio" :
      "ratio " + number(ratio, 4) + " (" + number(sample.low[probe], 4) + "-" + number(sample.high[probe], 4) + ")",
    (sample.flags[probe] || []).join(", "),
    band[probe] && band[probe][0] !== null ?
      "reference samples " + number(band[probe][0], 4) + "-" + number(band[probe][1], 4) : ""
  ];
}

function zoomButtons(element, chart) {
  const bar = element.parentNode.querySelector(".zoom");
  const range = { start: 0, end: 100 };
  function show(start, end) {
    const width = Math.min(100, Math.max(2, end - start));
    range.start = Math.min(Math.max(0, start), 100 - width);
    range.end = range.start + width;
    chart.dispatchAction({ type: "dataZoom", dataZoomIndex: 0, start: range.start, end: range.end });
  }
  chart.on("datazoom", function (event) {
    const moved = event.batch ? event.batch[0] : event;
    if (moved.start !== undefined) { range.start = moved.start; range.end = moved.end; }
  });
  const label = element.getAttribute("aria-label").split(";")[0];
  function step(share) { return (range.end - range.start) * share; }
  [
    ["+", "Zoom in", function () { show(range.start + step(0.2), range.end - step(0.2)); }],
    ["−", "Zoom out", function () { show(range.start - step(0.35), range.end + step(0.35)); }],
    ["◂", "Move left", function () { show(range.start - step(0.3), range.end - step(0.3)); }],
    ["▸", "Move right", function () { show(range.start + step(0.3), range.end + step(0.3)); }],
    ["All", "Show all", function () { show(0, 100); }]
  ].forEach(function (part) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = part[0];
    button.setAttribute("aria-label", part[1] + ": " + label);
    button.title = part[1] + " (or hold Ctrl and turn the wheel; drag to move)";
    button.addEventListener("click", part[2]);
    bar.appendChild(button);
  });
}

function zoom() {
  return [{ type: "inside", xAxisIndex: "all", zoomOnMouseWheel: "ctrl", moveOnMouseWheel: false, filterMode: "none" }];
}

function draw(element) {
  if (drawn.has(element)) { return drawn.get(element); }
  const build = builders[element.dataset.chart];
  const option = build ? build(element) : null;
  if (!option) {
    element.closest(".chart-box").classList.add("hidden");
    return null;
  }
  const chart = echarts.init(element, null, { renderer: option.cells > 20000 ? "canvas" : "svg" });
  delete option.cells;
  option.animation = false;
  option.textStyle = { fontFamily: font, color: colours.ink };
  chart.setOption(option);
  if (option.dataZoom) { zoomButtons(element, chart); }
  drawn.set(element, chart);
  element.dataset.drawn = "yes";
  return chart;
}

function drawWhenSeen(elements) {
  if (!("IntersectionObserver" in window)) {
    elements.forEach(draw);
    return;
  }
  const watcher = new IntersectionObserver(function (entries) {
    entries.forEach(function (entry) {
      if (entry.isIntersecting) {
        watcher.unobserve(entry.target);
        draw(entry.target);
      }
    });
  }, { rootMargin: "400px" });
  elements.forEach(function (element) { watcher.observe(element); });
}
