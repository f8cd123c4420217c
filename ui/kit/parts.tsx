// Pieces that every page uses.
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

import { language, setLanguage } from "./i18n";
import { nextTheme, theme } from "./theme";

const SHAPES = {
  ok: <circle cx="5" cy="5" r="4.5" />,
  warn: <path d="M5 .5 9.7 9.3H.3z" />,
  alarm: <rect x=".8" y=".8" width="8.4" height="8.4" />,
};

/** A state: colour, shape and word, never colour alone. */
export function Status(props: { kind: "ok" | "warn" | "alarm"; children: ComponentChildren }) {
  return (
    <span class={`status ${props.kind}`}>
      <svg viewBox="0 0 10 10" aria-hidden="true">{SHAPES[props.kind]}</svg>
      {props.children}
    </span>
  );
}

export function Card(props: {
  title: string;
  note?: ComponentChildren;
  class?: string;
  children: ComponentChildren;
}) {
  return (
    <section class={`card ${props.class ?? ""}`}>
      <div class="card-head">
        <h2>{props.title}</h2>
        <span class="note">{props.note}</span>
      </div>
      {props.children}
    </section>
  );
}

export function Tabs(props: { tabs: [id: string, label: string][]; active: string }) {
  return (
    <nav class="tabs">
      {props.tabs.map(([id, label]) => (
        <a href={`#/${id}`} aria-current={id === props.active ? "page" : undefined}>{label}</a>
      ))}
    </nav>
  );
}

export function Tools() {
  const marks = { auto: "◐", dark: "●", light: "○" };
  return (
    <>
      <button class="tool" onClick={nextTheme} title={`Theme: ${theme.value}`}
        aria-label={`Theme: ${theme.value}`}>{marks[theme.value]}</button>
      <button class="tool" lang={language.value === "en" ? "zh" : "en"}
        aria-label={language.value === "en" ? "中文" : "English"}
        onClick={() => setLanguage(language.value === "en" ? "zh" : "en")}>
        {language.value === "en" ? "中文" : "EN"}
      </button>
    </>
  );
}

/** The width an element has now, for drawings whose text must not scale. */
export function useWidth<T extends HTMLElement>(): [JSX.HTMLAttributes<T>["ref"], number] {
  const ref = useRef<T>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const element = ref.current;
    if (element === null) return undefined;
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    setWidth(element.clientWidth);
    return () => observer.disconnect();
  }, []);
  return [ref, width];
}
