// Axes along the probes: exons below each probe, and below them a bracket with the name of each gene.
function probeAxis(index, below) {
  return {
    type: "category", gridIndex: index || 0, data: data.order.map(String), axisTick: { show: false },
    axisLine: { lineStyle: { color: colours.gene } }, splitLine: { show: false },
    axisLabel: {
      show: below !== false, interval: 0, fontSize: 10, color: "#56606e", hideOverlap: true,
      formatter: function (value) { return data.probes[Number(value)][2]; }
    }
  };
}

function bandOf(api, at) {
  const width = api.size([1, 0])[0];
  const centre = api.coord([at, 0])[0];
  return [centre - width / 2, centre + width / 2];
}

// Text below the axis: upright where the bracket is wide enough for it, else standing.
function bracket(params, api, name, from, to, depth) {
  const area = params.coordSys;
  const left = Math.max(from, area.x);
  const right = Math.min(to, area.x + area.width);
  if (right - left < 2) { return null; }
  const top = area.y + area.height + depth;
  const wide = right - left > name.length * 6.6;
  return {
    type: "group", silent: true, children: [
      { type: "line", shape: { x1: left + 2, x2: right - 2, y1: top, y2: top }, style: { stroke: colours.gene } },
      {
        type: "text", x: (left + right) / 2, y: top + (wide ? 3 : 4), rotation: wide ? 0 : Math.PI / 2,
        style: {
          text: name, fill: colours.ink, font: "600 11px " + font,
          align: wide ? "center" : "right", verticalAlign: wide ? "top" : "middle"
        }
      }
    ]
  };
}

function geneBrackets(index, depth) {
  return {
    type: "custom", id: "genes" + (index || 0), xAxisIndex: index || 0, yAxisIndex: index || 0, silent: true, clip: false,
    tooltip: { show: false }, data: data.groups.map(function (group) { return [group[1], 0, group[2]]; }),
    encode: { x: [0], y: [1] }, z: 1,
    renderItem: function (params, api) {
      const group = data.groups[params.dataIndex];
      return bracket(params, api, group[0], bandOf(api, group[1])[0], bandOf(api, group[2])[1], depth === undefined ? 20 : depth);
    }
  };
}

function clipped(params, shape) {
  return echarts.graphic.clipRectByRect(shape, params.coordSys);
}

// A 95 % interval as a line with short ends; each row of `rows` is [x, low, high].
function intervals(id, rows, colourOf, axis) {
  return {
    type: "custom", id: id, xAxisIndex: axis || 0, yAxisIndex: axis || 0, silent: true, tooltip: { show: false },
    data: rows, encode: { x: [0], y: [1, 2] }, clip: true, z: 3,
    renderItem: function (params, api) {
      const low = api.coord([api.value(0), api.value(1)]);
      const high = api.coord([api.value(0), api.value(2)]);
      const style = { stroke: colourOf(params.dataIndex), lineWidth: 1.3 };
      return {
        type: "group", children: [
          { type: "line", shape: { x1: low[0], y1: low[1], x2: high[0], y2: high[1] }, style: style },
          { type: "line", shape: { x1: low[0] - 3, y1: low[1], x2: low[0] + 3, y2: low[1] }, style: style },
          { type: "line", shape: { x1: high[0] - 3, y1: high[1], x2: high[0] + 3, y2: high[1] }, style: style }
        ]
      };
    }
  };
}

function level(value, words, outside) {
  return {
    yAxis: value,
    label: { formatter: words, position: outside ? "end" : "insideEndTop", fontSize: 10, lineHeight: 11, color: "#56606e" }
  };
}

function levels(lines) {
  return {
    silent: true, symbol: "none", data: lines,
    lineStyle: { color: "#8d97a3", type: "dashed", width: 1 }
  };
}

function ratioAxis(top, index, name) {
  return {
    type: "value", min: 0, max: top, interval: top > 3 ? 1 : 0.5, gridIndex: index || 0, name: name || "ratio",
    nameLocation: "middle", nameGap: 30, splitLine: { lineStyle: { color: colours.grid } },
    axisLabel: { fontSize: 10, formatter: function (value) { return value.toFixed(1); } }
  };
}

function ceilingOf(sample) {
  const high = Math.max.apply(null, data.order.map(function (i) { return sample.high[i] || 0; }));
  return Math.min(6, Math.max(2, Math.ceil(high * 2) / 2));
}
