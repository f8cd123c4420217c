// Words in two languages, chosen by the reader or by the browser, kept in the browser.
import { signal } from "@preact/signals";

export type Language = "en" | "zh";
export type Words = Record<string, readonly [en: string, zh: string]>;

function first(): Language {
  const kept = localStorage.getItem("wk-language");
  if (kept === "en" || kept === "zh") return kept;
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}

export const language = signal<Language>(first());

export function setLanguage(next: Language): void {
  language.value = next;
  localStorage.setItem("wk-language", next);
  document.documentElement.lang = next;
}
document.documentElement.lang = language.value;

/** Looks words up; a key that is missing is shown as it is, so that it is noticed. */
export function translator(words: Words) {
  return (key: string): string => {
    const row = words[key];
    return row === undefined ? key : row[language.value === "zh" ? 1 : 0];
  };
}
