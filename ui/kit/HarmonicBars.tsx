// Harmonics 2..50 as slim bars, their limits as ticks, interharmonics thin between them; and the
// active power of each order, with its sign.
import { useState } from "preact/hooks";

import { useWidth } from "./parts";

export interface HarmonicBarsProps {
  harmonics: (number | null)[]; // percent of the fundamental, by order from 0
  interharmonics: (number | null)[] | null; // between h and h + 1; null: not shown
  limits: (number | null)[]; // percent, by order from 0; empty: none
  powers: number[] | null; // W by order, with sign; null: not known
  colour: string;
  name: string; // of the slider, for screen readers
  describe: (order: number) => string;
  hint: string;
  powerTitle: string;
}

const FIRST = 2;
const LEFT = 46;
const TOP = 10;
const BOTTOM = 22;
const POWER_HEIGHT = 110;

function ceiling(most: number): number {
  const decade = 10 ** Math.floor(Math.log10(Math.max(most, 1e-6)));
  return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((k) => k * decade).find((v) => v >= most) ?? most;
}

const short = (v: number) => `${Number(v.toPrecision(3))}`.replace("-", "\u2212");

export function HarmonicBars(props: HarmonicBarsProps) {
  const [ref, width] = useWidth<HTMLDivElement>();
  const [chosen, setChosen] = useState<number | null>(null);
  const last = Math.max(props.harmonics.length - 1, FIRST);
  const height = width < 500 ? 230 : 300;
  const w = Math.max(width - LEFT - 4, 10);
  const h = height - TOP - BOTTOM;
  const each = w / (last - FIRST + 1);
  const shown = props.harmonics.slice(FIRST).map((v) => v ?? 0);
  const between = (props.interharmonics ?? []).slice(1).map((v) => v ?? 0);
  const limits = props.limits.slice(FIRST, last + 1).map((v) => v ?? 0);
  const top = ceiling(Math.max(...shown, ...between, ...limits, 0.1) * 1.04);
  const x = (order: number) => LEFT + (order - FIRST) * each;
  const y = (v: number) => TOP + (1 - v / top) * h;
  const thick = Math.max(each * 0.52, 1.5);

  const choose = (event: MouseEvent | TouchEvent) => {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    const point = "touches" in event ? event.touches[0] : event;
    if (point === undefined) return;
    const order = FIRST + Math.floor((point.clientX - box.left - LEFT) / each);
    setChosen(order >= FIRST && order <= last ? order : null);
  };
  const step = (event: KeyboardEvent) => {
    const at = chosen ?? FIRST - 1;
    const to = { ArrowRight: at + 1, ArrowUp: at + 1, ArrowLeft: at - 1, ArrowDown: at - 1,
      PageUp: at + 10, PageDown: at - 10, Home: FIRST, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    setChosen(Math.min(Math.max(to, FIRST), last));
  };
  const marks = Array.from({ length: last - FIRST + 1 }, (_, k) => k + FIRST)
    .filter((order) => (width < 500 ? order % 10 === 0 || order === 5
      : order % 2 === 1 || order === FIRST));

  return (
    <div ref={ref}>
      <div class="chooser" role="slider" tabIndex={0} aria-label={props.name} aria-valuemin={FIRST}
        aria-valuemax={last} aria-valuenow={chosen ?? FIRST}
        aria-valuetext={props.describe(chosen ?? FIRST)} onKeyDown={step} onMouseMove={choose}
        onTouchMove={choose} onMouseLeave={() => setChosen(null)}>
        <svg class="chart" height={height} aria-hidden="true">
          {[0, 0.25, 0.5, 0.75, 1].map((k) => (
            <g>
              <line x1={LEFT} x2={LEFT + w} y1={y(k * top)} y2={y(k * top)} class="grid" />
              <text x={LEFT - 6} y={y(k * top)} text-anchor="end" dominant-baseline="middle">
                {short(k * top)}{k === 1 ? " %" : ""}
              </text>
            </g>
          ))}
          {chosen !== null && (
            <rect x={x(chosen)} y={TOP} width={each} height={h} fill="var(--tint)" />
          )}
          {props.interharmonics?.map((v, order) => order >= FIRST - 1 && order < last && v !== null
            && (
              <rect x={x(order + 1) - 1} y={y(v)} width={2} height={Math.max(h + TOP - y(v), 0.5)}
                fill="var(--n)" />
            ))}
          {props.harmonics.map((v, order) => {
            if (order < FIRST || v === null) return null;
            const limit = props.limits[order] ?? null;
            const over = limit !== null && v > limit;
            const middle = x(order) + each / 2;
            return (
              <g>
                <rect x={middle - thick / 2} y={y(v)} width={thick}
                  height={Math.max(h + TOP - y(v), 0.5)}
                  fill={over ? "var(--alarm)" : props.colour} />
                {over && <path d={`M${middle} ${y(v) - 9}l4 6h-8z`} fill="var(--alarm)" />}
              </g>
            );
          })}
          {props.limits.map((limit, order) => limit !== null && order >= FIRST && order <= last && (
            <line x1={x(order) + each * 0.1} x2={x(order) + each * 0.9} y1={y(limit)} y2={y(limit)}
              stroke="var(--accent)" stroke-width="2" />
          ))}
          {marks.map((order) => (
            <text x={x(order) + each / 2} y={height - 6} text-anchor="middle"
              style={{ fontSize: "11px" }}>{order}</text>
          ))}
        </svg>
        {props.powers !== null && (
          <Powers powers={props.powers} first={FIRST} last={last} w={w} each={each}
            colour={props.colour} chosen={chosen} title={props.powerTitle} />
        )}
      </div>
      <p class="tip">{chosen === null ? props.hint : props.describe(chosen)}</p>
    </div>
  );
}

function Powers(props: { powers: number[]; first: number; last: number; w: number; each: number;
  colour: string; chosen: number | null; title: string }) {
  const shown = props.powers.slice(props.first, props.last + 1);
  const most = ceiling(Math.max(...shown.map(Math.abs), 0.01));
  const h = POWER_HEIGHT - 2 * TOP;
  const y = (v: number) => TOP + ((most - v) / (2 * most)) * h;
  return (
    <>
      <p class="chart-title">{props.title}</p>
      <svg class="chart" height={POWER_HEIGHT} aria-hidden="true">
        {[most, 0, -most].map((v) => (
          <g>
            <line x1={LEFT} x2={LEFT + props.w} y1={y(v)} y2={y(v)} class="grid"
              style={v === 0 ? { stroke: "var(--muted)" } : undefined} />
            <text x={LEFT - 6} y={y(v)} text-anchor="end" dominant-baseline="middle">
              {short(v)}{v === most ? " W" : ""}
            </text>
          </g>
        ))}
        {shown.map((v, k) => {
          const thick = Math.max(props.each * 0.52, 1.5);
          return (
            <rect x={LEFT + k * props.each + (props.each - thick) / 2} width={thick}
              y={Math.min(y(v), y(0))} height={Math.max(Math.abs(y(v) - y(0)), 0.5)}
              fill={v < 0 ? "var(--n)" : props.colour}
              opacity={props.chosen === null || props.chosen === k + props.first ? 1 : 0.45} />
          );
        })}
      </svg>
    </>
  );
}
