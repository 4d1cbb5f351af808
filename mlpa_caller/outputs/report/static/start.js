// Print: every chart is drawn at the width of the page, and a page that is too long is made smaller as a whole.
const PAGE = { width: 718, height: 1040 };
const allCharts = Array.from(document.querySelectorAll(".chart"));

function fitCharts(root) {
  root.querySelectorAll(".chart").forEach(function (element) {
    if (draw(element)) { drawn.get(element).resize({ width: element.clientWidth, height: element.clientHeight }); }
  });
}

function setScale(article, scale) {
  article.style.zoom = scale < 1 ? String(scale) : "";
  article.style.width = scale < 1 ? PAGE.width / scale + "px" : "";
}

// The largest scale at which the page fits; a wider page has fewer lines, so the height falls faster than the scale.
function fitPage(article) {
  function height() { return article.getBoundingClientRect().height; }
  setScale(article, 1);
  if (height() > PAGE.height) {
    let low = 0.3;
    let high = 1;
    for (let turn = 0; turn < 7; turn += 1) {
      const middle = (low + high) / 2;
      setScale(article, middle);
      if (height() <= PAGE.height) { low = middle; } else { high = middle; }
    }
    setScale(article, low);
  }
  fitCharts(article);
}

function readyForPrint() {
  document.getElementById("print-style").media = "all";
  document.body.style.width = PAGE.width + "px";
  ["#run", "#quality", "#comparison"].forEach(function (part) {
    document.querySelectorAll(part).forEach(fitCharts);
  });
  shownPatients().forEach(fitPage);
}

function backToScreen() {
  document.getElementById("print-style").media = "print";
  document.body.style.width = "";
  shownPatients().forEach(function (article) { setScale(article, 1); });
  drawn.forEach(function (chart) { chart.resize({ width: "auto", height: "auto" }); });
}

document.documentElement.classList.add("js");
setHeatHeight();
setUpFilter();
setUpJump();
setUpSorting();
if (location.hash === "#print") {
  readyForPrint();
  document.documentElement.dataset.print = "ready";
} else {
  drawWhenSeen(allCharts);
  window.addEventListener("beforeprint", readyForPrint);
  window.addEventListener("afterprint", backToScreen);
  let waiting = 0;
  window.addEventListener("resize", function () {
    clearTimeout(waiting);
    waiting = setTimeout(function () { drawn.forEach(function (chart) { chart.resize(); }); }, 150);
  });
}
