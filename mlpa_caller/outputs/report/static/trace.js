// Electropherogram of one sample over the median of the reference samples.
// A signal comes as a list, or as the steps from value to value: in base 64, seven bits a byte, the sign as lowest bit.
function unpacked(signal) {
  if (Array.isArray(signal)) { return signal; }
  const text = atob(signal.steps);
  const values = [];
  let value = 0;
  let step = 0;
  let shift = 0;
  for (let i = 0; i < text.length; i += 1) {
    const byte = text.charCodeAt(i);
    step |= (byte & 127) << shift;
    shift += 7;
    if (byte < 128) {
      value += (step >>> 1) ^ -(step & 1);
      values.push(value);
      step = shift = 0;
    }
  }
  return values;
}

function points(channel, factor) {
  return unpacked(channel.signal).map(function (value, i) {
    return [channel.first_nt + i * channel.step_nt, value === null ? null : value * factor];
  });
}

builders.trace = function (element) {
  const patient = data.patients[Number(element.dataset.patient)];
  const trace = data.traces && data.traces.samples[patient.sample];
  if (!trace) { return null; }
  const name = data.samples[patient.sample].name;
  const height = data.samples[patient.sample].height;
  const list = [];
  trace.forEach(function (channel, i) {
    const median = (data.traces.median || []).find(function (item) { return item.dye === channel.dye; });
    if (median && height) {  // the median is in units of the median height of the reference probes
      list.push({
        type: "line", name: "median of the reference samples, " + channel.dye, data: points(median, height),
        symbol: "none", silent: true, lineStyle: { width: 3, color: "#aab2bd" }, itemStyle: { color: "#aab2bd" }, areaStyle: { color: "#d5dae1", opacity: 1 }
      });
    }
    list.push({
      type: "line", name: name + ", " + channel.dye, data: points(channel, 1), symbol: "none", silent: true, clip: true,
      itemStyle: { color: series[i % series.length] }, lineStyle: { width: 1.2, color: series[i % series.length] }
    });
    list.push({
      type: "scatter", id: "peaks" + i, symbolSize: 5, itemStyle: { color: "#1c2430" },
      data: channel.peaks.map(function (peak) { return { value: [peak[1], peak[2]], name: peak[0] }; }),
      label: { show: true, position: "top", rotate: 90, align: "left", verticalAlign: "middle", distance: 6, fontSize: 9, formatter: function (item) { return item.data.name; } },
      labelLayout: { hideOverlap: true }
    });
  });
  return {
    legend: { top: 0, left: 60, textStyle: { fontSize: 11, width: 300, overflow: "truncate" }, data: list.filter(function (item) { return item.name; }).map(function (item) { return item.name; }) },
    grid: { left: 60, right: 12, top: 84, bottom: 40 },
    xAxis: { type: "value", name: "size, nt", nameLocation: "middle", nameGap: 24, min: "dataMin", max: "dataMax", splitLine: { show: false },
      axisLabel: { formatter: function (value) { return String(Math.round(value)); }, showMaxLabel: false } },
    yAxis: { type: "value", min: 0, name: "height", nameLocation: "middle", nameGap: 46, splitLine: { lineStyle: { color: colours.grid } } },
    dataZoom: zoom(),
    tooltip: tooltip("item", function (item) {
      return item.data && item.data.name ? tip([item.data.name, "size " + number(item.value[0], 2) + " nt", "height " + item.value[1]]) : null;
    }),
    series: list
  };
};
