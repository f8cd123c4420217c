#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A live meter over libiio: a converter behind the IIO protocol, `wk iio`, and what the meter says
when the converter loses samples, goes away, or changes its rate. Runs the sanitized build."""
import subprocess
import sys
import time

from harness import Meter, Tap, programs

LOST, RESET, RATE = 238, 239, 240  # the meter's event codes


class Converter:
    def __init__(self):
        self.process = subprocess.Popen([programs("dev").parent / "test" / "iio_test_server"],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.uri = f"ip:127.0.0.1:{self.process.stdout.readline().strip()}"

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def end(self):
        self.process.stdin.close()
        return self.process.wait(10)


def configure(meter, converter):
    lists = "u = voltage0*1000, voltage1*1000, voltage2*1000\ni = current0, current1, current2"

    def change(text):
        kept = [line for line in text.splitlines() if not line.startswith(
            ("kind =", "file =", "u =", "i =", "start =", "stop =", "pace =", "nominal_"))]
        text = "\n".join(kept) + "\n"
        return text.replace("[frontend]", f"[frontend]\nkind = iio\nuri = {converter.uri}\n"
                            f"device = ade9000\nnominal_v = 230\nnominal_hz = 50\n{lists}")
    meter.write("a", change)


def events_of(meter):
    return [event for event in meter.get("/api/events?last=100")["events"]]


def wait_for(what, timeout_s=30):
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        found = what()
        if found:
            return found
        time.sleep(0.2)
    return None


def seen(meter, code):
    return wait_for(lambda: [e for e in events_of(meter) if e["code"] == code])


def list_it(tap, meter, converter):
    listed = meter.wk("iio", converter.uri)
    tap.check(listed.returncode == 0 and "u = voltage0,voltage1,voltage2,voltage3" in listed.stdout
              and "it has no buffered input" in listed.stdout,
              "wk iio says what fits, and what not", listed.stdout + listed.stderr)
    nothing = meter.wk("iio", "xml:/nowhere.xml")
    tap.check(nothing.returncode == 1 and "cannot be opened" in nothing.stderr,
              "wk iio refuses a context that is not there", nothing.stderr)


def live(tap, meter):
    def near():
        now = meter.get("/api/live") or {}
        return (now.get("seq", 0) > 3 and abs(now["frequency_hz"] - 50) < 0.005
                and all(abs(u - 230) < 0.02 for u in now["phase"]["u_v"])
                and all(abs(i - 10) < 0.001 for i in now["phase"]["i_a"])
                and all(abs(p - 1991.858) < 0.3 for p in now["phase"]["p_w"]))
    tap.check(wait_for(near), "a live meter over the IIO protocol measures 230 V, 10 A, 30 degrees",
              meter.get("/api/live"))


def main():
    tap = Tap()
    converter = Converter()
    meter = Meter("a", pace="realtime")
    configure(meter, converter)
    list_it(tap, meter, converter)
    metrologyd = meter.spawn("wk-metrologyd", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    meter.spawn("wk-meterd", stdout=subprocess.DEVNULL)
    live(tap, meter)
    converter.say("lose 2000")
    lost = seen(meter, LOST)
    tap.check(lost and abs(lost[0]["value"] - 2000) < 80,
              "lost samples are an event with their number", events_of(meter))
    converter.say("down")
    time.sleep(0.7)
    converter.say("up")
    tap.check(seen(meter, RESET), "a front end that was away is an event",
              events_of(meter))
    converter.say("rate 4000")
    tap.check(seen(meter, RATE), "another rate is an event", events_of(meter))
    ended = meter.remove()
    tap.check(ended == [0, 0], "both processes end cleanly", ended or metrologyd.stderr.read())
    converter.end()
    sys.exit(tap.end())


if __name__ == "__main__":
    main()
