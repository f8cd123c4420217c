// Voltages solid, currents dashed, on rings; angles counter-clockwise from U of L1 at the right.
import { useWidth } from "./parts";

export interface PhasorProps {
  u: number[];
  i: number[];
  uDeg: number[];
  iDeg: number[];
  summary: string;
}

const COLOURS = ["var(--l1)", "var(--l2)", "var(--l3)"];
const TEXT = ["var(--l1)", "var(--l2)", "var(--l3-text)"];

interface Arm {
  name: string;
  length: number;
  degrees: number;
  phase: number;
  dashed: boolean;
}

function arms(p: PhasorProps): Arm[] {
  const uMost = Math.max(...p.u, 1e-9);
  const iMost = Math.max(...p.i, 1e-9);
  const made: Arm[] = [];
  p.u.forEach((u, k) => {
    if (u / uMost > 0.02)
      made.push({ name: `U${k + 1}`, length: u / uMost, degrees: p.uDeg[k] ?? 0, phase: k,
        dashed: false });
  });
  p.i.forEach((i, k) => {
    if (i / iMost > 0.02)
      made.push({ name: `I${k + 1}`, length: (0.72 * i) / iMost, degrees: p.iDeg[k] ?? 0,
        phase: k, dashed: true });
  });
  return made;
}

export function Phasor(props: PhasorProps) {
  const [ref, width] = useWidth<HTMLDivElement>();
  const size = Math.min(Math.max(width, 220), 340);
  const r = size / 2 - 26;
  const at = (deg: number, k: number): [number, number] => {
    const a = (deg * Math.PI) / 180;
    return [size / 2 + k * r * Math.cos(a), size / 2 - k * r * Math.sin(a)];
  };
  return (
    <div ref={ref} style={{ display: "grid", placeItems: "center" }}>
      <svg width={size} height={size} role="img" aria-label={props.summary} class="chart"
        style={{ width: `${size}px` }}>
        {[1, 2 / 3, 1 / 3].map((k) => (
          <circle cx={size / 2} cy={size / 2} r={r * k} fill="none" class="grid" />
        ))}
        {Array.from({ length: 12 }, (_, k) => {
          const [x, y] = at(k * 30, 1);
          return <line x1={size / 2} y1={size / 2} x2={x} y2={y} class="grid" />;
        })}
        {arms(props).map((arm) => {
          const [x, y] = at(arm.degrees, arm.length);
          // Labels of currents stand beside their arrow: a current may lie on its voltage.
          const beside = (arm.degrees * Math.PI) / 180 - Math.PI / 2;
          const [tx, ty] = arm.dashed
            ? [x + 14 * Math.cos(beside), y - 14 * Math.sin(beside)]
            : at(arm.degrees, arm.length + 15 / r);
          return (
            <g>
              <line x1={size / 2} y1={size / 2} x2={x} y2={y} stroke={COLOURS[arm.phase]}
                stroke-width={arm.dashed ? 2 : 3} stroke-dasharray={arm.dashed ? "5 4" : undefined} />
              <circle cx={x} cy={y} r={arm.dashed ? 3.5 : 4.5} fill={COLOURS[arm.phase]} />
              <text x={tx} y={ty} text-anchor="middle" dominant-baseline="middle"
                style={{ fill: TEXT[arm.phase], fontWeight: 600 }}>{arm.name}</text>
            </g>
          );
        })}
      </svg>
    </div>
  );
}
