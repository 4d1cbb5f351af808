// Charts of the whole run: heat map, reference samples against each other, slopes.
// The heat map grows with the samples; its height is set before anything is drawn, so that nothing moves later.
function setHeatHeight() {
  document.querySelectorAll(".chart.heat").forEach(function (element) {
    element.style.height = Math.max(220, 14 * data.samples.length + 142) + "px";
  });
}

builders.heat = function () {
  const cells = [];
  data.samples.forEach(function (sample, y) {
    data.order.forEach(function (probe, x) {
      if (sample.ratio[probe] !== null) { cells.push([x, y, sample.ratio[probe]]); }
    });
  });
  return {
    cells: cells.length,
    grid: { left: 110, right: 12, top: 40, bottom: 84, show: true, backgroundColor: "#9aa2ad", borderWidth: 0 },
    xAxis: probeAxis(),
    yAxis: {
      type: "category", inverse: true, data: data.samples.map(function (sample) { return sample.name; }), axisTick: { show: false },
      axisLabel: { interval: 0, fontSize: 10, width: 98, overflow: "truncate" }
    },
    visualMap: {
      min: 0, max: 2, calculable: false, orient: "horizontal", left: 110, top: 0, itemWidth: 12, itemHeight: 160, seriesIndex: 0,
      text: ["ratio 2", "0"], textStyle: { fontSize: 10 },
      inRange: { color: ["#4a1500", "#b34700", "#ee9455", "#fafafa", "#6db1dc", "#00609a", "#00273f"] }
    },
    dataZoom: zoom(),
    tooltip: tooltip("item", function (item) {
      const sample = data.samples[item.value[1]];
      return tip([sample.name + ", " + sample.role].concat(probeLines(sample, data.order[item.value[0]])));
    }),
    series: [
      { type: "heatmap", data: cells, emphasis: { itemStyle: { borderColor: "#000", borderWidth: 1 } }, itemStyle: { borderColor: "#fff", borderWidth: 0.3 } },
      geneBrackets()
    ]
  };
};

builders.references = function () {
  if (!data.references.length) { return null; }
  const shown = data.references.map(function (i) { return data.samples[i]; });
  let low = 0.7;
  let high = 1.3;
  shown.forEach(function (sample) {
    data.order.forEach(function (probe) {
      const ratio = sample.ratio[probe];
      if (ratio !== null) { low = Math.min(low, ratio); high = Math.max(high, ratio); }
    });
  });
  return {
    legend: { type: "scroll", top: 0, left: 48, textStyle: { fontSize: 11, width: 120, overflow: "truncate" } },
    grid: { left: 48, right: 12, top: 34, bottom: 84 },
    xAxis: probeAxis(),
    yAxis: { type: "value", min: Math.floor(low * 10) / 10, max: Math.ceil(high * 10) / 10, name: "ratio", nameLocation: "middle", nameGap: 32, splitLine: { lineStyle: { color: colours.grid } }, axisLabel: { fontSize: 10, formatter: function (value) { return value.toFixed(1); } } },
    dataZoom: zoom(),
    tooltip: tooltip("item", function (item) {
      const sample = shown[item.seriesIndex];
      return tip([sample.name].concat(probeLines(sample, data.order[item.value[0]])));
    }),
    series: shown.map(function (sample, i) {
      return {
        type: "scatter", name: sample.name, symbol: symbols[i % symbols.length], symbolSize: 7,
        itemStyle: { color: series[i % series.length], opacity: 0.85 },
        data: data.order.map(function (probe, at) { return [at, sample.ratio[probe]]; })
          .filter(function (point) { return point[1] !== null; }),
        markLine: i ? undefined : levels([level(1, "")])
      };
    }).concat([geneBrackets()])
  };
};

builders.slopes = function () {
  function known(value) { return value !== null && value !== undefined; }
  const shown = data.samples.filter(function (sample) { return sample.role !== "no dna"; });
  const names = shown.map(function (sample) { return sample.name; });
  const slopes = shown.map(function (sample) { return known(sample.sd) ? sample.slope : [null, null]; });
  const limit = data.limits.slope_warn;
  const sd = data.limits.reference_sd_limit;
  const axis = { type: "category", data: names, axisTick: { show: false } };
  const label = { rotate: 60, fontSize: 10, width: 80, overflow: "truncate", hideOverlap: true };
  return {
    grid: [{ left: 62, right: 12, top: 14, height: "32%" }, { left: 62, right: 12, top: "48%", bottom: 74 }],
    xAxis: [Object.assign({ gridIndex: 0, axisLabel: { show: false } }, axis), Object.assign({ gridIndex: 1, axisLabel: label }, axis)],
    yAxis: [
      { type: "value", gridIndex: 0, name: "slope per 100 nt", nameLocation: "middle", nameGap: 42, splitNumber: 3, axisLabel: { fontSize: 10 }, splitLine: { lineStyle: { color: colours.grid } } },
      { type: "value", gridIndex: 1, min: 0, name: "reference SD", nameLocation: "middle", nameGap: 42, splitNumber: 3, axisLabel: { fontSize: 10 }, splitLine: { lineStyle: { color: colours.grid } } }
    ],
    dataZoom: zoom(),
    tooltip: tooltip("axis", function (params) {
      const sample = shown[[].concat(params)[0].dataIndex];
      return tip([
        sample.name + ", " + sample.role + ", " + sample.verdict,
        "slope " + number(sample.slope[0], 4) + ", standard error " + number(sample.slope[1], 4),
        "SD of the reference probes " + number(sample.sd, 4)
      ]);
    }),
    series: [
      intervals("slope-range", slopes.map(function (pair, at) {
        return known(pair[0]) && known(pair[1]) ? [at, pair[0] - 1.96 * pair[1], pair[0] + 1.96 * pair[1]] : [at, null, null];
      }), function () { return colours.normal; }),
      {
        type: "scatter", symbolSize: 7, itemStyle: { color: colours.normal },
        data: slopes.map(function (pair, at) { return [at, known(pair[0]) ? pair[0] : null]; }),
        markLine: levels(known(limit) ? [level(limit, "warn"), level(-limit, "warn")] : [])
      },
      {
        type: "bar", xAxisIndex: 1, yAxisIndex: 1, itemStyle: { color: "#7b8794" }, barMaxWidth: 12,
        data: shown.map(function (sample) { return known(sample.sd) ? sample.sd : null; }),
        markLine: levels(known(sd) ? [level(sd, "warn")] : [])
      }
    ]
  };
};
