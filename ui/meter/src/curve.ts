// Entries of the load profile as bars: differences of registers, and the intervals without one.
import type { Bar } from "../../kit/LoadCurve";
import type { Entry } from "./api";

/** The tariff that gained most in an interval. */
function tariffOf(before: Entry, entry: Entry): number {
  let best = 0;
  let most = -1;
  entry.tariff_import_uwh.forEach((value, i) => {
    const gained = value - (before.tariff_import_uwh[i] ?? 0);
    if (gained > most) {
      most = gained;
      best = i + 1;
    }
  });
  return most > 0 ? best : 0;
}

/** The first entry has no entry before it: its registers were zero if it is the first of all. */
export function barsOf(entries: Entry[], periodS: number): Bar[] {
  const bars: Bar[] = [];
  entries.forEach((entry, k) => {
    const before = entries[k - 1];
    if (before === undefined) return;
    for (let end = before.end_s + periodS; end < entry.end_s; end += periodS)
      bars.push({ end, watts: null, tariff: 0 });
    const net = entry.import_uwh - before.import_uwh - (entry.export_uwh - before.export_uwh);
    const whole = entry.end_s - before.end_s === periodS;
    bars.push({
      end: entry.end_s,
      watts: whole ? (net / 1e6) * (3600 / periodS) : null,
      tariff: tariffOf(before, entry),
    });
  });
  return bars;
}
