/* SPDX-License-Identifier: Apache-2.0
 *
 * metrology/refusal - why metrology or power quality cannot be set up.
 *
 * A reason is a number; its text is a room of its own, so that a meter which shows the number
 * alone does not keep a kilo-octet of sentences. */
#ifndef WK_METROLOGY_REFUSAL_H
#define WK_METROLOGY_REFUSAL_H

/* name, field and what it must be, for people; from CURVE_CURRENTS to NO_CHANNEL they contradict
 * each other */
#define WK_REFUSAL_LIST(X)                                                                     \
    X(WK_REFUSAL_CHANNELS, "channels: must be 1 to 8")                                         \
    X(WK_REFUSAL_RATE, "sample rate: must be 1 kHz to 50 kHz")                                 \
    X(WK_REFUSAL_FREQUENCY, "nominal frequency: must be 50 Hz, 60 Hz or unknown")              \
    X(WK_REFUSAL_VOLTAGE, "nominal voltage: must not be negative")                             \
    X(WK_REFUSAL_PHASE, "phase: must be 0 to 3")                                               \
    X(WK_REFUSAL_GAIN, "gain: must not be 0")                                                  \
    X(WK_REFUSAL_EXPONENT, "gain: exponent must be -24 to 6")                                  \
    X(WK_REFUSAL_OFFSET, "offset: must be within +-4,194,304 counts")                          \
    X(WK_REFUSAL_DELAY, "delay: must be within +-50,000 ns")                                   \
    X(WK_REFUSAL_RANGE, "range: must be 0 to 16,777,216 counts")                               \
    X(WK_REFUSAL_CURVE_POINTS, "curve: has more than 6 points")                                \
    X(WK_REFUSAL_CURVE_GAIN, "curve: gain must be within +-100,000 ppm")                       \
    X(WK_REFUSAL_CURVE_PHASE, "curve: phase must be within +-10 degrees")                      \
    X(WK_REFUSAL_CURVE_CURRENTS, "curve: currents must rise, up to 1,000,000 A")               \
    X(WK_REFUSAL_SAME_TWICE, "quantity and phase: another channel has them already")           \
    X(WK_REFUSAL_NO_CHANNEL, "channels: none is a voltage or a current")                       \
    X(WK_REFUSAL_POWER, "gains: power per count too large, or too unlike between phases")      \
    X(WK_REFUSAL_GUARDS, "guards: largest voltage and current must not be negative")           \
    X(WK_REFUSAL_PULSES, "pulse constant: must be 0 to 10,000,000 pulses per kWh")             \
    X(WK_REFUSAL_START, "starting current: must not be negative")                              \
    X(WK_REFUSAL_THRESHOLDS,                                                                   \
      "thresholds: interruption < dip < 100 % < swell <= 200 %, hysteresis <= 10 %")           \
    X(WK_REFUSAL_SPECTRUM,                                                                     \
      "power quality: signal outside 100 to 3,000 Hz, or little memory for the rate")          \
    X(WK_REFUSAL_FLICKER, "power quality: sample rate outside 1 to 50 kHz")                    \
    X(WK_REFUSAL_TRANSIENT,                                                                    \
      "power quality: transients outside 5 to 200 %, or little memory for the rate")           \
    X(WK_REFUSAL_CHANGE, "power quality: rapid voltage changes outside 1 to 6 %")              \
    X(WK_REFUSAL_CAPTURE, "power quality: too little memory for captures so long")             \
    X(WK_REFUSAL_MEMORY, "power quality: no memory")                                           \
    X(WK_REFUSAL_FOLDER, "power quality: the folder of captures cannot be made")

#define WK_REFUSAL_ENUM(name, text) name,
typedef enum wk_refusal { WK_REFUSAL_NONE = 0, WK_REFUSAL_LIST(WK_REFUSAL_ENUM) } wk_refusal;
#undef WK_REFUSAL_ENUM

/** The text of a reason; "" for WK_REFUSAL_NONE and what is none. */
const char *wk_refusal_text(wk_refusal reason);

#endif
