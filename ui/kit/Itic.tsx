// The ITIC (CBEMA) plane: duration against voltage, the region equipment lives with tinted, SEMI
// F47 dotted, each event a ring (inside) or a cross (outside).
import { useWidth } from "./parts";

export interface IticPoint {
  id: number;
  seconds: number;
  percent: number;
  inside: boolean;
  title: string;
}

export interface IticProps {
  points: IticPoint[];
  chosen: number | null;
  choose: (id: number) => void;
  summary: string;
  words: { duration: string; damage: string; stops: string; inside: string };
}

const LEAST_S = 1e-3;
const MOST_S = 100;
const MOST_PERCENT = 200;
const LEFT = 46;
const TOP = 10;
const BOTTOM = 38;
// until so many seconds the voltage may be so high, so low: metrology/immunity.c
const HIGH: [number, number][] = [[0.001, 200], [0.003, 140], [0.5, 120], [MOST_S, 110]];
const LOW: [number, number][] = [[0.02, 0], [0.5, 70], [10, 80], [MOST_S, 90]];
const F47: [number, number][] = [[0.2, 50], [0.5, 70], [1, 80]];
const F47_BEGIN_S = 0.05;

/** The corners of a staircase. */
function stairs(curve: [number, number][], from: number): [number, number][] {
  let begin = from;
  const corners: [number, number][] = [];
  for (const [until, percent] of curve) {
    corners.push([begin, percent], [until, percent]);
    begin = until;
  }
  return corners;
}

export function Itic(props: IticProps) {
  const [ref, width] = useWidth<HTMLDivElement>();
  const height = width < 420 ? 280 : 430;
  const w = Math.max(width - LEFT - 10, 10);
  const h = height - TOP - BOTTOM;
  const decades = Math.log10(MOST_S / LEAST_S);
  const x = (s: number) => LEFT
    + (Math.log10(Math.min(Math.max(s, LEAST_S), MOST_S) / LEAST_S) / decades) * w;
  const y = (p: number) => TOP + (1 - Math.min(p, MOST_PERCENT) / MOST_PERCENT) * h;
  const line = (corners: [number, number][]) =>
    corners.map(([s, p], k) => `${k === 0 ? "M" : "L"}${x(s)} ${y(p)}`).join("");
  const high = stairs(HIGH, LEAST_S);
  const low = stairs(LOW, LEAST_S);
  const region = `${line(high)}L${[...low].reverse().map(([s, p]) => `${x(s)} ${y(p)}`).join("L")}Z`;
  return (
    <div ref={ref}>
      <svg class="chart" height={height} role="img" aria-label={props.summary}>
        <path d={region} fill="var(--tint)" />
        {[0, 40, 80, 100, 120, 160, 200].map((p) => (
          <g>
            <line x1={LEFT} x2={LEFT + w} y1={y(p)} y2={y(p)} class="grid" />
            <text x={LEFT - 6} y={y(p)} text-anchor="end" dominant-baseline="middle">
              {p}{p === MOST_PERCENT ? " %" : ""}
            </text>
          </g>
        ))}
        {[0.001, 0.01, 0.1, 1, 10, 100].map((s) => (
          <g>
            <line x1={x(s)} x2={x(s)} y1={TOP} y2={TOP + h} class="grid" />
            <text x={x(s)} y={height - BOTTOM + 16}
              text-anchor={s === MOST_S ? "end" : s === LEAST_S ? "start" : "middle"}>
              {s < 1 ? `${s * 1000} ms` : `${s} s`}
            </text>
          </g>
        ))}
        <path d={line(high)} fill="none" stroke="var(--accent)" stroke-width="2" />
        <path d={line(low)} fill="none" stroke="var(--accent)" stroke-width="2" />
        <path d={line(stairs(F47, F47_BEGIN_S))} fill="none" stroke="var(--ink)" stroke-width="1.5"
          stroke-dasharray="2 3" />
        <text x={LEFT + w - 6} y={y(165)} text-anchor="end">{props.words.damage}</text>
        <text x={LEFT + w - 6} y={y(28)} text-anchor="end">{props.words.stops}</text>
        <text x={LEFT + 8} y={y(90)}>{props.words.inside}</text>
        <text x={x(0.25) + 4} y={y(60)} style={{ fill: "var(--ink)" }}>F47</text>
        <text x={LEFT + w} y={height - 4} text-anchor="end">{props.words.duration}</text>
        {props.points.map((p) => {
          const px = x(p.seconds);
          const py = y(p.percent);
          const on = p.id === props.chosen;
          return (
            <g onClick={() => props.choose(p.id)} style={{ cursor: "pointer" }}>
              <title>{p.title}</title>
              <circle cx={px} cy={py} r={12} fill={on ? "var(--ink)" : "transparent"}
                fill-opacity={on ? 0.16 : 0} />
              {p.inside
                ? <circle cx={px} cy={py} r={4.5} fill="var(--card)" stroke="var(--ok)"
                  stroke-width="2" />
                : <path d={`M${px - 4.5} ${py - 4.5}l9 9m0-9l-9 9`} stroke="var(--alarm)"
                  stroke-width="2.4" fill="none" />}
            </g>
          );
        })}
      </svg>
    </div>
  );
}
