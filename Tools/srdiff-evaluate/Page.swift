/// What every report has in common.
enum Page {
    /// Colours of the page and of the series.
    private static let light = [
        "bg": "#fdfdfc", "fg": "#1d2024", "soft": "#5d646e", "line": "#dcdfe3", "card": "#f3f4f6", "accent": "#0b62c4",
        "c0": "#0b62c4", "c1": "#c4520b", "c2": "#148253", "c3": "#8a3fc0", "c4": "#b3263f", "c5": "#7a6a00",
    ]
    private static let dark = [
        "bg": "#15171a", "fg": "#e4e6e9", "soft": "#9aa2ad", "line": "#33383f", "card": "#1f2327", "accent": "#6db2ff",
        "c0": "#6db2ff", "c1": "#ff9d5c", "c2": "#5fd39d", "c3": "#c99bf2", "c4": "#ff8296", "c5": "#d9c74a",
    ]

    private static func variables(_ colors: [String: String]) -> String {
        colors.sorted { $0.key < $1.key }.map { "--\($0.key):\($0.value)" }.joined(separator: ";")
    }

    private static let variables = """
        :root{color-scheme:light dark;\(variables(light))}
        @media(prefers-color-scheme:dark){:root{\(variables(dark))}}

        """

    /// Colours of a drawing in a file of its own, whose viewer may not support variables.
    static var drawingStyle: String {
        func filled(_ colors: [String: String]) -> String {
            colors.reduce(plotStyle + "text{fill:var(--fg)}rect{fill:var(--bg)}") {
                $0.replacing("var(--\($1.key))", with: $1.value)
            }
        }
        return filled(light) + "\n@media(prefers-color-scheme:dark){" + filled(dark) + "}"
    }

    /// How lines, dots and names of series look.
    private static let plotStyle = """
        .grid{stroke:var(--line)}polyline{fill:none;stroke-width:2}.mean{stroke:var(--fg);stroke-width:2}\
        .legend{font-size:.82rem;margin:.2rem 0 0}
        polyline.c0{stroke:var(--c0)}polyline.c1{stroke:var(--c1)}polyline.c2{stroke:var(--c2)}\
        polyline.c3{stroke:var(--c3)}polyline.c4{stroke:var(--c4)}polyline.c5{stroke:var(--c5)}
        circle.c0{fill:var(--c0)}circle.c1{fill:var(--c1)}circle.c2{fill:var(--c2)}\
        circle.c3{fill:var(--c3)}circle.c4{fill:var(--c4)}circle.c5{fill:var(--c5)}
        span.c0{color:var(--c0)}span.c1{color:var(--c1)}span.c2{color:var(--c2)}\
        span.c3{color:var(--c3)}span.c4{color:var(--c4)}span.c5{color:var(--c5)}
        """

    static let style =
        variables + plotStyle + """
            *{box-sizing:border-box}
            body{margin:0 auto;max-width:1560px;padding:1.5rem 1.25rem 4rem;background:var(--bg);\
            color:var(--fg);font:16px/1.5 system-ui,sans-serif}
            h1{font-size:1.7rem;line-height:1.2;margin:.3rem 0 1rem}\
            h2{font-size:1.2rem;margin:2.4rem 0 .6rem}h3{font-size:1rem;margin:0 0 .3rem}
            p{max-width:75ch;margin:.5rem 0}.note{color:var(--soft);font-size:.87rem}
            .scroll{overflow-x:auto}table{border-collapse:collapse;font-size:.87rem;font-variant-numeric:tabular-nums}
            th,td{padding:.25rem .7rem;text-align:left;white-space:nowrap;border-bottom:1px solid var(--line)}\
            th{color:var(--soft);font-weight:600}
            th:first-child,td:first-child{padding-left:0}td.r,th.r{text-align:right}
            details{margin:.5rem 0}summary{cursor:pointer;font-weight:600}
            .plots{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,460px),1fr));gap:1rem}
            figure{margin:0}\
            .plot{background:var(--card);border-radius:8px;padding:.7rem .8rem}\
            .plot figcaption{font-weight:600;font-size:.92rem}
            svg{width:100%;height:auto;display:block}svg text{fill:var(--soft);font-size:12px}svg .label{fill:var(--fg)}
            .image{background:var(--card);border-radius:8px;padding:.8rem;margin:0 0 1.2rem}
            .tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(160px,1fr));gap:.6rem}
            .view{position:relative;overflow:hidden;aspect-ratio:1;border-radius:4px;background:#8884;\
            cursor:grab;touch-action:pan-y}
            .view:active{cursor:grabbing}.view:focus-visible{outline:2px solid var(--accent)}
            .view>*{position:absolute;left:0;top:0;transform-origin:0 0;image-rendering:pixelated;\
            max-width:none;user-select:none}
            .tile b{font-size:.85rem;font-weight:600}.tile span{font-size:.8rem;color:var(--soft)}
            .bar{display:flex;flex-wrap:wrap;gap:.4rem;align-items:center;margin:.4rem 0 .6rem;font-size:.87rem}
            button{font:inherit;padding:.15rem .7rem;border:1px solid var(--line);border-radius:5px;\
            background:var(--bg);color:var(--fg);cursor:pointer}
            button:hover{border-color:var(--accent)}.bar label{margin-left:auto;color:var(--soft)}\
            input[type=range]{vertical-align:middle;accent-color:var(--accent)}
            """

    /// All views of one image move together. Wheel with Ctrl (or a pinch) zooms, dragging moves, keys do both.
    static let script = """
        for (const image of document.querySelectorAll('.image')) {
          const W = +image.dataset.width, H = +image.dataset.height, views = [...image.querySelectorAll('.view')];
          const side = () => views[0].clientWidth;
          let s = 1, x = 0, y = 0;
          const draw = () => {
            const fit = side() / Math.max(W, H);
            s = Math.min(Math.max(s, fit), 32);
            const keep = (v, size) => size * s <= side() ? (side() - size * s) / 2 : \
        Math.min(0, Math.max(side() - size * s, v));
            x = keep(x, W); y = keep(y, H);
            for (const view of views) view.firstElementChild.style.transform = `translate(${x}px,${y}px) scale(${s})`;
            image.dataset.zoom = s;
          };
          const zoom = (factor, cx = side() / 2, cy = side() / 2) => {
            const old = s;
            s = Math.min(Math.max(s * factor, side() / Math.max(W, H)), 32);
            x = cx - (cx - x) * s / old; y = cy - (cy - y) * s / old;
            draw();
          };
          const whole = () => { s = 0; draw(); };
          const worst = () => {
            s = side() / 96;
            x = side() / 2 - (+image.dataset.x) * s; y = side() / 2 - (+image.dataset.y) * s;
            draw();
          };
          const on = (name, action) => image.querySelector(`[data-do=${name}]`).addEventListener('click', action);
          on('in', () => zoom(1.5)); on('out', () => zoom(1 / 1.5)); on('whole', whole); on('worst', worst);
          for (const view of views) {
            view.addEventListener('wheel', e => {
              if (!e.ctrlKey) return;
              e.preventDefault();
              const box = view.getBoundingClientRect();
              zoom(Math.exp(-e.deltaY / 300), e.clientX - box.left, e.clientY - box.top);
            }, {passive: false});
            view.addEventListener('pointerdown', e => { \
        view.setPointerCapture(e.pointerId); e.preventDefault(); view.focus(); });
            view.addEventListener('pointermove', e => { \
        if (e.buttons & 1) { x += e.movementX; y += e.movementY; draw(); } });
            view.addEventListener('dblclick', e => {
              const box = view.getBoundingClientRect();
              zoom(2, e.clientX - box.left, e.clientY - box.top);
            });
            view.addEventListener('keydown', e => {
              const step = 40, \
        moves = {ArrowLeft: [step, 0], ArrowRight: [-step, 0], ArrowUp: [0, step], ArrowDown: [0, -step]};
              if (e.key === '+' || e.key === '=') zoom(1.5);
              else if (e.key === '-') zoom(1 / 1.5);
              else if (e.key === '0') whole();
              else if (moves[e.key]) { x += moves[e.key][0]; y += moves[e.key][1]; draw(); }
              else return;
              e.preventDefault();
            });
          }
          const canvas = image.querySelector('canvas'), gain = image.querySelector('input');
          const difference = () => {
            const [a, b] = [canvas.dataset.a, canvas.dataset.b].map(i => image.querySelectorAll('img')[i]);
            const context = canvas.getContext('2d', {willReadFrequently: true});
            const pixels = image => { context.drawImage(image, 0, 0); return context.getImageData(0, 0, W, H); };
            const one = pixels(a), two = pixels(b);
            const show = () => {
              const out = context.createImageData(W, H);
              for (let i = 0; i < out.data.length; i++)
                out.data[i] = i % 4 === 3 ? 255 : Math.min(255, Math.abs(one.data[i] - two.data[i]) * gain.value);
              context.putImageData(out, 0, 0);
              image.querySelector('output').value = '×' + gain.value;
            };
            gain.addEventListener('input', show);
            show();
          };
          addEventListener('load', difference);
          new ResizeObserver(draw).observe(views[0]);
          worst();
        }
        """
}
