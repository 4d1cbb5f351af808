// Exons of the main gene: probability of loss and of gain above, the exons with their zinc fingers below.
function exonBox(model, api, at, top, height) {
  const width = Math.min(api.size([1, 0])[0] * 0.66, 110);
  const x = api.coord([at, 0])[0] - width / 2;
  const lost = model.lost[at];
  const colour = lost < 0 ? colours.gain : colours.loss;
  const light = lost < 0 ? "#b3d7ee" : "#f6c6a2";
  const open = model.open || model.loss[at] === null;
  const words = !model.tested[at] ? "not tested" : open && lost === 0 ? "no answer" : lost === 0 ? "" : lost < 0 ? "gained" : lost > 1 ? "lost twice" : "lost";
  const box = {
    type: "rect", shape: { x: x, y: top, width: width, height: height, r: 3 },
    style: {
      fill: lost === 0 ? (open ? "#fff" : "#d9f0e7") : Math.abs(lost) === 1 ? light : colour,
      stroke: lost === 0 ? (open ? "#56606e" : "#0b6348") : colour, lineDash: open && lost === 0 ? [4, 3] : null
    }
  };
  const text = {
    type: "text", x: x + width / 2, y: top + height / 2,
    style: {
      text: model.labels[at] + (words ? "\n" + words : ""), fill: Math.abs(lost) > 1 ? "#fff" : "#1c2430",
      font: "600 11px " + font, lineHeight: 13, align: "center", verticalAlign: "middle"
    }
  };
  return [box, text];
}

function fingers(model, api, at, top) {
  const own = model.domains.filter(function (domain) { return domain[1] === at; });
  const centre = api.coord([at, 0])[0];
  const gap = 34;
  return own.flatMap(function (domain, i) {
    const x = centre + (i - (own.length - 1) / 2) * gap;
    const gone = model.lost[at] > 0;
    const open = !gone && (model.open || model.loss[at] === null);
    const fill = gone || open ? "#fff" : domain[2] ? "#0b7a58" : "#56b4e9";
    return [
      {
        type: "ellipse", shape: { cx: x, cy: top + 9, rx: 15, ry: 9 },
        style: { fill: fill, stroke: gone ? colours.loss : "#33404f", lineDash: gone || open ? [3, 2] : null }
      },
      {
        type: "text", x: x, y: top + 9,
        style: { text: domain[0], fill: gone ? "#a33a00" : domain[2] && !open ? "#fff" : "#1c2430", font: "600 10px " + font, align: "center", verticalAlign: "middle" }
      }
    ];
  });
}

function exonSeries(model) {
  return {
    type: "custom", id: "exons", xAxisIndex: 1, yAxisIndex: 1, silent: true, clip: false, tooltip: { show: false },
    data: model.labels.map(function (_, at) { return [at, 0]; }),
    renderItem: function (params, api) {
      const area = params.coordSys;
      const half = api.size([1, 0])[0] / 2;
      const height = Math.min(36, area.height * 0.5);
      const top = area.y + 4;
      const middle = top + height / 2;
      const x = api.coord([params.dataIndex, 0])[0];
      return {
        type: "group",
        children: [{ type: "line", shape: { x1: x - half, x2: x + half, y1: middle, y2: middle }, style: { stroke: "#8d97a3" } }]
          .concat(exonBox(model, api, params.dataIndex, top, height))
          .concat(fingers(model, api, params.dataIndex, top + height + 5))
      };
    }
  };
}

function bars(name, values, colour) {
  return {
    type: "bar", name: name, data: values, itemStyle: { color: colour }, barMaxWidth: 40, stack: "probability",
    label: {
      show: true, position: "insideTop", fontSize: 10, color: "#1c2430",
      formatter: function (item) { return item.value >= 0.3 ? chance(Number(item.value)) : ""; }
    }
  };
}

function exonOption(model, name) {
  const axis = { type: "category", data: model.labels, axisTick: { show: false } };
  return {
    legend: { top: 0, left: 44, itemHeight: 10, textStyle: { fontSize: 11 } },
    grid: [{ left: 48, right: 12, top: 30, bottom: "46%" }, { left: 48, right: 12, top: "56%", bottom: 8 }],
    xAxis: [
      Object.assign({ gridIndex: 0, axisLabel: { show: false } }, axis),
      Object.assign({ gridIndex: 1, show: false }, axis)
    ],
    yAxis: [
      { type: "value", min: 0, max: 1, interval: 0.5, name: model.gene, nameLocation: "middle", nameGap: 30, axisLabel: { fontSize: 10 } },
      { type: "value", gridIndex: 1, min: 0, max: 1, show: false }
    ],
    tooltip: tooltip("axis", function (params) {
      const at = [].concat(params)[0].dataIndex;
      const ratio = model.ratio[at];
      return tip([
        name + ": " + model.gene + " exon " + model.labels[at],
        model.tested[at] ? "probability of loss " + number(model.loss[at], 4) : "no probe",
        model.tested[at] ? "probability of gain " + number(model.gain[at], 4) : "",
        ratio && ratio[0] !== null ? "ratio " + number(ratio[0], 3) + " (" + number(ratio[1], 3) + "-" + number(ratio[2], 3) + ")" : ""
      ]);
    }),
    series: [
      bars("probability of loss", model.loss, colours.loss),
      bars("probability of gain", model.gain, colours.gain),
      exonSeries(model)
    ]
  };
}

builders.exons = function (element) {
  const patient = data.patients[Number(element.dataset.patient)];
  return patient.exons ? exonOption(patient.exons, data.samples[patient.sample].name) : null;
};
