// What the scripts of all pages draw charts with. It comes after uPlot in the page; `chartKit` is what it gives to them.

globalThis.chartKit = (() => {
  const CHART_HEIGHT = 230;
  const SERIES_COLORS = 8;

  /** Colours follow the reader's scheme, so they are looked up whenever a chart is drawn. */
  function color(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  }

  function seriesColor(index) {
    return color(`series-${(index % SERIES_COLORS) + 1}`);
  }

  /** Three significant digits, or none behind the point from a thousand on. */
  function short(value) {
    if (value === null || value === undefined) return '–';
    if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en-US');
    return String(Number(value.toPrecision(3)));
  }

  function axis(label, more = {}) {
    return {
      label,
      labelSize: 20,
      stroke: color('text'),
      grid: { stroke: color('grid'), width: 1 },
      ticks: { stroke: color('line'), width: 1 },
      ...more,
    };
  }

  function valueAxis(label, more = {}) {
    return axis(label, {
      size: 62,
      values: (_, values) => values.map((value) => (value === null ? '' : short(value))),
      ...more,
    });
  }

  /** uPlot would count up from where a logarithmic axis begins; people want round numbers. */
  const logarithmic = {
    splits: (_, __, low, high) => roundNumbers(low, high),
    filter: (_, splits) => splits,
    values: (_, splits) => splits.map(short),
  };

  function roundNumbers(low, high) {
    const digits = high / low > 1000 ? [1] : high / low > 30 ? [1, 2, 5] : [1, 1.5, 2, 3, 4, 5, 7];
    const numbers = [];
    for (let power = 10 ** Math.floor(Math.log10(low)); power <= high; power *= 10) {
      numbers.push(...digits.map((digit) => Number((digit * power).toPrecision(3))));
    }
    return numbers.filter((number) => number >= low && number <= high);
  }

  /** The range of a logarithmic scale, with a margin; any range where there is nothing to show. */
  function roomy(_, low, high) {
    if (low === null || low === undefined) return [1, 10];
    return [low / 1.1, high * 1.1];
  }

  /** Elements with charts, and how to draw them (again): in other colours, in another width. */
  const drawings = new Map();

  /** Draws into an element, or anew what is drawn there. */
  function draw(element, makeOptions, data) {
    const known = drawings.get(element);
    drawings.set(element, { makeOptions, data, plot: known?.plot });
    if (known === undefined) widths.observe(element);
    else redraw(element);
  }

  function redraw(element) {
    const drawing = drawings.get(element);
    drawing.plot?.destroy();
    if (!element.isConnected) {
      drawings.delete(element);
      widths.unobserve(element);
      return;
    }
    const size = { width: element.clientWidth, height: CHART_HEIGHT };
    drawing.plot = new uPlot({ ...size, ...drawing.makeOptions() }, drawing.data, element);
  }

  /**
   * Tells of each element when it is laid out first, and whenever its width changes after that. What is drawn changes the
   * layout again, so that has to wait for the next frame.
   */
  const widths = new ResizeObserver((changes) => {
    requestAnimationFrame(() => {
      for (const { target, contentRect } of changes) {
        if (target.dataset.width === String(contentRect.width)) continue;
        target.dataset.width = contentRect.width;
        redraw(target);
      }
    });
  });

  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    for (const element of drawings.keys()) redraw(element);
  });

  /** A new element to draw into, with a caption, at the end of a section. */
  function chartElement(section, title, unit) {
    const figure = document.createElement('figure');
    const caption = document.createElement('figcaption');
    const small = document.createElement('small');
    small.textContent = ` ${unit}`;
    caption.append(title, small);
    const plot = document.createElement('div');
    figure.append(caption, plot);
    document.getElementById(section).append(figure);
    return plot;
  }

  /** A dashed line down the plot at a value of the x axis. */
  function markX(plot, value, stroke) {
    const x = Math.round(plot.valToPos(value, 'x', true));
    const { top, height } = plot.bbox;
    const { ctx } = plot;
    ctx.save();
    ctx.strokeStyle = stroke;
    ctx.lineWidth = 2 * devicePixelRatio;
    ctx.setLineDash([6 * devicePixelRatio, 4 * devicePixelRatio]);
    ctx.beginPath();
    ctx.moveTo(x, top);
    ctx.lineTo(x, top + height);
    ctx.stroke();
    ctx.restore();
  }

  return {
    data: JSON.parse(document.getElementById('data').textContent),
    steps: uPlot.paths.stepped({ align: 1 }),
    axis,
    chartElement,
    color,
    draw,
    logarithmic,
    markX,
    redraw,
    roomy,
    seriesColor,
    short,
    valueAxis,
  };
})();
