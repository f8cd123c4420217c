// Instants from the API in the reader's own time zone.
const pad = (n: number) => String(n).padStart(2, "0");

export function local(iso: string | null | undefined): string {
  if (iso === null || iso === undefined) return "–";
  const d = new Date(iso);
  return `${d.getFullYear()}-${pad(d.getMonth() + 1)}-${pad(d.getDate())} ${
    pad(d.getHours())}:${pad(d.getMinutes())}`;
}
