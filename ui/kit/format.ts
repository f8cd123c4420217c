// Numbers and times as people read them: fixed decimals, a true minus sign, digit groups.
const THIN = "\u202f";

export function fixed(value: number, decimals: number): string {
  const text = Math.abs(value).toFixed(decimals);
  const [whole = "0", part] = text.split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+(?!\d))/g, THIN);
  const zero = Number(text) === 0;
  return `${value < 0 && !zero ? "\u2212" : ""}${grouped}${part === undefined ? "" : `.${part}`}`;
}

/** Watts as W, kW or MW, with the unit beside the number. */
export function power(watts: number): { value: string; unit: string } {
  const size = Math.abs(watts);
  if (size >= 1e6) return { value: fixed(watts / 1e6, 3), unit: "MW" };
  if (size >= 1e3) return { value: fixed(watts / 1e3, 3), unit: "kW" };
  return { value: fixed(watts, 1), unit: "W" };
}

/** Micro-watt-hours as kWh with three decimals: the digits a register shows. */
export function kwh(uwh: number, decimals = 3): string {
  return fixed(uwh / 1e9, decimals);
}

const pad = (n: number) => String(n).padStart(2, "0");

/** A time in the meter's own zone, given its offset from UTC. */
export function clock(utcSeconds: number, offsetMinutes: number, seconds = false): string {
  const d = new Date((utcSeconds + offsetMinutes * 60) * 1000);
  const text = `${pad(d.getUTCHours())}:${pad(d.getUTCMinutes())}`;
  return seconds ? `${text}:${pad(d.getUTCSeconds())}` : text;
}

export function date(utcSeconds: number, offsetMinutes: number): string {
  const d = new Date((utcSeconds + offsetMinutes * 60) * 1000);
  return `${d.getUTCFullYear()}-${pad(d.getUTCMonth() + 1)}-${pad(d.getUTCDate())}`;
}

export function stamp(utcSeconds: number, offsetMinutes: number): string {
  return `${date(utcSeconds, offsetMinutes)} ${clock(utcSeconds, offsetMinutes, true)}`;
}

export function span(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  const s = milliseconds / 1000;
  if (s < 120) return `${s.toFixed(s < 10 ? 2 : 0)} s`;
  if (s < 7200) return `${Math.round(s / 60)} min`;
  return `${Math.round(s / 3600)} h`;
}
