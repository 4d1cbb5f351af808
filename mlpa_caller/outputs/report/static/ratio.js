// Ratios of one sample in gene order: band of the reference samples, called events, 95 % intervals.
function bandSeries(sample, axis) {
  const band = sample.band || data.band;
  return {
    type: "custom", id: "band" + (axis || 0), xAxisIndex: axis || 0, yAxisIndex: axis || 0, silent: true, tooltip: { show: false },
    data: data.order.map(function (probe, at) {
      const pair = band[probe] || [null, null];
      return [at, pair[0], pair[1]];
    }),
    encode: { x: [0], y: [1, 2] }, z: 1,
    renderItem: function (params, api) {
      if (isNaN(api.value(1))) { return null; }
      const sides = bandOf(api, api.value(0));
      const top = api.coord([0, api.value(2)])[1];
      const bottom = api.coord([0, api.value(1)])[1];
      const shape = clipped(params, { x: sides[0], y: top, width: sides[1] - sides[0], height: bottom - top });
      return shape && { type: "rect", shape: shape, style: { fill: colours.band } };
    }
  };
}

// Labels of events that lie close together stand in rows below one another.
function labelRows(events) {
  const ends = [];
  return events.map(function (event) {
    let row = 0;
    while (ends[row] !== undefined && event.first < ends[row]) { row += 1; }
    ends[row] = Math.max(event.last, event.first + data.order.length / 9);
    return row;
  });
}

function eventColour(event) {
  return event.doubtful ? colours.uncertain : colours[event.status];
}

// A called event: a tinted area over its probes, a line at its mean ratio, and its words above.
function eventSeries(events, axis) {
  const rows = labelRows(events);
  return {
    type: "custom", id: "events" + (axis || 0), xAxisIndex: axis || 0, yAxisIndex: axis || 0, silent: true, tooltip: { show: false },
    data: events.map(function (event) { return [event.first, 0, event.last]; }), encode: { x: [0], y: [1] }, z: 2, clip: true,
    renderItem: function (params, api) {
      const event = events[params.dataIndex];
      const area = params.coordSys;
      const left = bandOf(api, event.first)[0];
      const right = bandOf(api, event.last)[1];
      const inset = event.nested ? 14 : 0;
      const shape = clipped(params, { x: left, y: area.y + inset, width: right - left, height: area.height - inset });
      if (!shape) { return null; }
      const colour = eventColour(event);
      const children = [{
        type: "rect", shape: shape,
        style: { fill: colour, opacity: event.nested ? 0.2 : 0.12, stroke: event.nested ? colour : null }
      }];
      if (event.ratio !== null) {
        const y = api.coord([0, event.ratio])[1];
        children.push({
          type: "line", shape: { x1: shape.x, x2: shape.x + shape.width, y1: y, y2: y },
          style: { stroke: colour, lineWidth: 2, lineDash: event.nested ? [3, 3] : null }
        });
      }
      children.push({
        type: "text", x: Math.min(shape.x + 3, area.x + area.width - 110), y: area.y + 2 + 12 * rows[params.dataIndex],
        style: {
          text: (event.doubtful ? "possible " : "") + event.status + ", p " + event.probability,
          fill: "#1c2430", font: "600 10px " + font, align: "left", verticalAlign: "top",
          backgroundColor: "rgba(255,255,255,0.75)"
        }
      });
      return { type: "group", children: children };
    }
  };
}

function pointSeries(sample, events, axis, id) {
  function eventAt(at) {
    return events.find(function (event) { return event.first <= at && at <= event.last; });
  }
  return {
    type: "scatter", id: id || "points", xAxisIndex: axis || 0, yAxisIndex: axis || 0, z: 4, clip: false,
    data: data.order.map(function (probe, at) {
      const ratio = sample.ratio[probe];
      const event = eventAt(at);
      const reference = data.probes[probe][3] === "reference";
      if (ratio === null) {
        return { value: [at, 0.03], symbol: "path://M0,0L8,8M8,0L0,8", symbolSize: 7, itemStyle: { color: "none", borderColor: "#56606e", borderWidth: 1.5 } };
      }
      const colour = event ? eventColour(event) : reference ? colours.reference : colours.normal;
      return {
        value: [at, ratio], symbol: event ? "diamond" : "circle", symbolSize: event ? 10 : 7,
        itemStyle: reference ? { color: "#fff", borderColor: colour, borderWidth: 1.5 } : { color: colour }
      };
    }),
    markLine: levels([level(1, "2 copies", true)].concat((sample.guides || data.guides).map(function (guide) { return level(guide[0], guide[1], true); })))
  };
}

function intervalSeries(sample, events, axis) {
  return intervals("intervals" + (axis || 0), data.order.map(function (probe, at) {
    return [at, sample.low[probe], sample.high[probe]];
  }), function (at) {
    const event = events.find(function (item) { return item.first <= at && at <= item.last; });
    return event ? eventColour(event) : data.probes[data.order[at]][3] === "reference" ? colours.reference : colours.normal;
  }, axis);
}

function ratioOption(sample, events) {
  return {
    grid: { left: 48, right: 74, top: 12, bottom: 82 },
    xAxis: probeAxis(), yAxis: ratioAxis(ceilingOf(sample)), dataZoom: zoom(),
    tooltip: tooltip("axis", function (params) {
      const point = [].concat(params).find(function (item) { return item.seriesId === "points"; });
      return point ? tip([sample.name].concat(probeLines(sample, data.order[point.dataIndex]))) : null;
    }),
    series: [bandSeries(sample), eventSeries(events), geneBrackets(), intervalSeries(sample, events), pointSeries(sample, events)]
  };
}

builders.ratio = function (element) {
  const patient = data.patients[Number(element.dataset.patient)];
  return ratioOption(data.samples[patient.sample], patient.events);
};
