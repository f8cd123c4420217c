// The address after "#" is the only state of navigation, so every view can be linked to.
import { signal } from "@preact/signals";

const read = () => decodeURIComponent(location.hash.replace(/^#\/?/, ""));
export const route = signal(read());
addEventListener("hashchange", () => {
  route.value = read();
  scrollTo(0, 0);
});
