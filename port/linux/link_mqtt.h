/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/link_mqtt - the carriers mqtts:// and mqtt:// of the link (port/linux/link_carrier): a packet
 * is a message to PREFIX/TITLE/up of a broker, what comes to PREFIX/TITLE/down is from the head-end. TITLE
 * is the system title, 16 hexadecimal digits in capitals (port/linux/mqtt).
 *
 * Messages are QoS 0: what a broker confirms it may still lose, and the link confirms what is committed. The
 * library never holds more than one; each connection is a new session. */
#ifndef WK_PORT_LINUX_LINK_MQTT_H
#define WK_PORT_LINUX_LINK_MQTT_H

#include "port/linux/link_carrier.h"

#define WK_LINK_MQTT_TITLE 17 /* characters, with the end */
#define WK_LINK_MQTT_TOPIC (WK_LINK_CARRIER_REST + WK_LINK_MQTT_TITLE + 8)

/** As wk_link_carrier_start. WK_E_FORMAT: a file is not what it should be; the path names an interface, which
 *  the library knows nothing of. */
WK_MUST_USE wk_err wk_link_mqtt_start(struct wk_link_carrier *carrier,
                                      const struct wk_link_carrier_config *config,
                                      char error[WK_LINK_CARRIER_ERROR]);

/** The name of the topic of a meter, `up` or `down`; `rest` of the address begins with a slash. */
void wk_link_mqtt_topic(const char *rest, const uint8_t title[WK_LINK_CARRIER_TITLE],
                        const char *way, char topic[WK_LINK_MQTT_TOPIC]);
/** The title in the name of such a topic, `up`. False: it is none. */
WK_MUST_USE bool wk_link_mqtt_title(const char *rest, const char *topic,
                                    uint8_t title[WK_LINK_CARRIER_TITLE]);

#endif
