// JSON requests, and a stream of events that reconnects by itself.
import { signal } from "@preact/signals";

export async function getJson<T>(path: string): Promise<T> {
  const answer = await fetch(path, { headers: { Accept: "application/json" } });
  if (!answer.ok) {
    let reason = `${answer.status} ${answer.statusText}`;
    try {
      const body = await answer.json();
      reason = body.error?.reason ?? reason;
    } catch {
      // not JSON: the status says enough
    }
    throw new Error(reason);
  }
  return answer.json() as Promise<T>;
}

/** When the last event came (performance.now()), and whether the stream is open. */
export const heard = signal(0);
export const connected = signal(false);

/** Calls `take` for each named event; keeps trying for ever. */
export function stream(path: string, names: string[], take: (name: string, data: unknown) => void) {
  let source: EventSource | null = null;
  let timer = 0;
  const open = () => {
    source = new EventSource(path);
    source.onopen = () => (connected.value = true);
    source.onerror = () => {
      connected.value = false;
      source?.close();
      timer = window.setTimeout(open, 2000);
    };
    for (const name of names) {
      source.addEventListener(name, (event) => {
        heard.value = performance.now();
        connected.value = true;
        take(name, JSON.parse((event as MessageEvent<string>).data));
      });
    }
  };
  open();
  return () => {
    window.clearTimeout(timer);
    source?.close();
  };
}
