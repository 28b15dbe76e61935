(function () {
  "use strict";
  const root = document.documentElement;
  const charts = JSON.parse(document.getElementById("charts").textContent);
  const boxes = Array.from(document.querySelectorAll("[data-chart]"));
  const touch = matchMedia("(pointer: coarse)").matches;
  const config = { displayModeBar: false, displaylogo: false, scrollZoom: false };
  const PAPER_WIDTH = 660;

  function colour(name) {
    const [token, opacity] = name.slice(1).split(" ");
    const hex = getComputedStyle(root).getPropertyValue("--" + token).trim();
    if (!opacity) return hex;
    const [r, g, b] = [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
    return `rgba(${r},${g},${b},${opacity})`;
  }

  // a copy, since the chart library writes into what it is given
  function coloured(node, key) {
    if (Array.isArray(node))
      return node.map((child) => coloured(child, key === "colorscale" ? key : ""));
    if (node !== null && typeof node === "object")
      return Object.fromEntries(Object.entries(node).map(([k, v]) => [k, coloured(v, k)]));
    return typeof node === "string" && /color(scale)?$/.test(key) && node[0] === "@" ? colour(node) : node;
  }

  function axis(own, width, horizontal) {
    return {
      gridcolor: colour("@grid"), linecolor: colour("@rule"), zeroline: false,
      showgrid: !horizontal, showline: horizontal, ticks: horizontal ? "outside" : "",
      tickcolor: colour("@rule"), ticklen: 4, automargin: true, fixedrange: touch,
      nticks: horizontal ? Math.max(2, Math.floor(width / 70)) : 5, ...own,
    };
  }

  function layout(own, width, height) {
    const font = { family: getComputedStyle(document.body).fontFamily, size: 12 };
    return {
      ...own, width, height, autosize: false, showlegend: false,
      margin: { l: 8, r: 12, t: 8, b: 8, pad: 2 },
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { ...font, color: colour("@soft") },
      hovermode: own.hovermode || "x unified", dragmode: touch ? false : "zoom",
      hoverlabel: {
        bgcolor: colour("@paper"), bordercolor: colour("@rule"),
        font: { ...font, color: colour("@ink") },
      },
      xaxis: axis(own.xaxis, width, true), yaxis: axis(own.yaxis, width, false),
    };
  }

  function draw(box) {
    const width = root.classList.contains("print")
      ? Math.min(box.clientWidth, PAPER_WIDTH) : box.clientWidth;
    if (width === 0) return;
    const spec = coloured(charts[box.dataset.chart], "");
    Plotly.react(box, spec.data, layout(spec.layout, width, box.clientHeight), config);
    box.dataset.width = box.clientWidth;
  }

  function drawAll() { boxes.forEach(draw); }

  const resized = new ResizeObserver((entries) => {
    for (const { target } of entries)
      if (Number(target.dataset.width) !== target.clientWidth) draw(target);
  });
  drawAll();
  boxes.forEach((box) => resized.observe(box));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);

  let opened = [];
  addEventListener("beforeprint", () => {
    root.classList.add("print");
    opened = Array.from(document.querySelectorAll("details:not([open])"));
    opened.forEach((one) => { one.open = true; });
    drawAll();
  });
  addEventListener("afterprint", () => {
    root.classList.remove("print");
    opened.forEach((one) => { one.open = false; });
    drawAll();
  });
})();
