// Light or dark: as the system has it, until the reader chooses.
import { signal } from "@preact/signals";

export type Theme = "auto" | "light" | "dark";

const kept = localStorage.getItem("wk-theme");
export const theme = signal<Theme>(kept === "light" || kept === "dark" ? kept : "auto");

function apply(): void {
  if (theme.value === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme.value;
}

export function nextTheme(): void {
  theme.value = theme.value === "auto" ? "dark" : theme.value === "dark" ? "light" : "auto";
  if (theme.value === "auto") localStorage.removeItem("wk-theme");
  else localStorage.setItem("wk-theme", theme.value);
  apply();
}
apply();
