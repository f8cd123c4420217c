// Mean power per interval as bars, coloured by tariff; gaps hatched, estimates outlined.
import { useState } from "preact/hooks";

import { useWidth } from "./parts";

export interface Bar {
  end: number; // UTC seconds
  watts: number | null; // mean over the interval; null = no reading
  tariff: number; // 1..4; 0 = unknown
  estimated?: boolean;
  note?: string;
}

export interface LoadCurveProps {
  bars: Bar[];
  periodS: number;
  offsetMinutes: number;
  height?: number;
  summary: string;
  describe: (bar: Bar) => string;
  hint: string;
}

const LEFT = 58;
const BOTTOM = 22;
const TOP = 8;

/** A round number of watts at or above the largest bar. */
function ceiling(most: number): number {
  const decade = 10 ** Math.floor(Math.log10(Math.max(most, 1)));
  return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((k) => k * decade).find((v) => v >= most) ?? most;
}

function label(watts: number, top: number): string {
  if (top >= 1e6) return `${(watts / 1e6).toPrecision(3).replace(/\.?0+$/, "")} MW`;
  if (top >= 1e3) return `${Number((watts / 1e3).toPrecision(3))} kW`;
  return `${Number(watts.toPrecision(3))} W`;
}

function hourMarks(from: number, to: number, offsetMinutes: number, room: number): number[] {
  const hours = (to - from) / 3600;
  const step = [1, 2, 3, 6, 12, 24, 48, 168].find((h) => hours / h <= room / 64) ?? 336;
  const shift = offsetMinutes * 60;
  const first = Math.ceil((from + shift) / (step * 3600)) * step * 3600 - shift;
  const marks: number[] = [];
  for (let t = first; t <= to; t += step * 3600) marks.push(t);
  return marks;
}

export function LoadCurve(props: LoadCurveProps) {
  const [ref, width] = useWidth<HTMLDivElement>();
  const [chosen, setChosen] = useState<Bar | null>(null);
  const wanted = props.height ?? 220;
  const height = width < 500 ? Math.min(wanted, 240) : wanted;
  const { bars, periodS } = props;
  const from = (bars[0]?.end ?? periodS) - periodS;
  const to = bars[bars.length - 1]?.end ?? periodS;
  const values = bars.map((b) => b.watts ?? 0);
  const top = ceiling(Math.max(...values, 1));
  const low = Math.min(...values, 0) < 0 ? -ceiling(-Math.min(...values)) : 0;
  const w = Math.max(width - LEFT, 10);
  const h = height - BOTTOM - TOP;
  const x = (t: number) => LEFT + ((t - from) / Math.max(to - from, 1)) * w;
  const y = (v: number) => TOP + ((top - v) / (top - low)) * h;
  const each = (periodS / Math.max(to - from, 1)) * w;
  const gap = each > 4 ? 1 : 0;
  const choose = (event: MouseEvent | TouchEvent) => {
    const box = (event.currentTarget as SVGElement).getBoundingClientRect();
    const point = "touches" in event ? event.touches[0] : event;
    if (point === undefined) return;
    const t = from + ((point.clientX - box.left - LEFT) / w) * (to - from);
    setChosen(bars.find((b) => t > b.end - periodS && t <= b.end) ?? null);
  };
  return (
    <div ref={ref}>
      <svg class="chart" height={height} role="img" aria-label={props.summary}
        onMouseMove={choose} onTouchMove={choose} onMouseLeave={() => setChosen(null)}>
        <defs>
          <pattern id="gap" width="6" height="6" patternUnits="userSpaceOnUse"
            patternTransform="rotate(45)">
            <rect width="6" height="6" fill="var(--bg)" />
            <line x1="0" y1="0" x2="0" y2="6" stroke="var(--muted)" stroke-width="1.5" />
          </pattern>
        </defs>
        {[0, 0.25, 0.5, 0.75, 1].map((k) => {
          const v = low + k * (top - low);
          return (
            <g>
              <line x1={LEFT} x2={LEFT + w} y1={y(v)} y2={y(v)} class="grid" />
              {k !== 0.25 && k !== 0.75 && (
                <text x={LEFT - 6} y={y(v)} text-anchor="end" dominant-baseline="middle">
                  {label(v, top)}
                </text>
              )}
            </g>
          );
        })}
        {hourMarks(from, to, props.offsetMinutes, w).map((t) => {
          const d = new Date((t + props.offsetMinutes * 60) * 1000);
          const hour = d.getUTCHours();
          const text = hour === 0 && to - from > 90000
            ? `${d.getUTCDate()}.${d.getUTCMonth() + 1}.` : `${String(hour).padStart(2, "0")}:00`;
          return (
            <text x={x(t)} y={height - 6}
              text-anchor={x(t) > LEFT + w - 20 ? "end" : x(t) < LEFT + 16 ? "start" : "middle"}>
              {text}
            </text>
          );
        })}
        {bars.map((b) => {
          const left = x(b.end - periodS);
          const wide = Math.max(each - gap, 0.6);
          if (b.watts === null)
            return <rect x={left} y={TOP} width={wide} height={h} fill="url(#gap)" />;
          const fill = b.tariff > 0 ? `var(--t${b.tariff})` : "var(--accent)";
          return (
            <rect x={left} y={Math.min(y(b.watts), y(0))} width={wide}
              height={Math.max(Math.abs(y(0) - y(b.watts)), 0.5)} fill={fill}
              stroke={b.estimated ? "var(--estimate)" : undefined}
              stroke-width={b.estimated ? 1.5 : undefined}
              stroke-dasharray={b.estimated ? "3 2" : undefined}
              opacity={chosen === null || chosen === b ? 1 : 0.55} />
          );
        })}
      </svg>
      <p class="tip" aria-live="polite">{chosen === null ? props.hint : props.describe(chosen)}</p>
    </div>
  );
}

/** Which tariffs the colours mean, plus what hatching and outlines say. */
export function Legend(props: { entries: [colour: string, text: string][] }) {
  return (
    <div class="legend">
      {props.entries.map(([colour, text]) => (
        <span><i style={{ background: colour }} />{text}</span>
      ))}
    </div>
  );
}
