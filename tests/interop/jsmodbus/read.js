// SPDX-License-Identifier: Apache-2.0
// node read.js MODULES tcp:PORT|rtu:DEVICE UNIT FUNCTION,ADDRESS,COUNT... - prints a line of hexadecimal
// registers for each, as tests/interop/modbus_peer.c does.
"use strict";
const fs = require("node:fs");
const net = require("node:net");
const tty = require("node:tty");
const { Duplex } = require("node:stream");

const [modules, where, unit, ...asked] = process.argv.slice(2);
const modbus = require(`${modules}/jsmodbus`);

/** What jsmodbus expects of the package serialport, over a terminal that is raw already. */
class Line extends Duplex {
  constructor(device) {
    super();
    this.file = fs.openSync(device, "r+");
    this.input = new tty.ReadStream(this.file);
    this.input.on("data", (octets) => this.push(octets));
    setImmediate(() => this.emit("open"));
  }

  _read() {}

  _write(octets, encoding, done) {
    fs.write(this.file, octets, done);
  }
}

async function main() {
  const isTcp = where.startsWith("tcp:");
  const socket = isTcp ? net.connect(Number(where.slice(4)), "127.0.0.1") : new Line(where.slice(4));
  const client = isTcp
    ? new modbus.client.TCP(socket, Number(unit))
    : new modbus.client.RTU(socket, Number(unit));
  await new Promise((done) => socket.once(isTcp ? "connect" : "open", done));
  for (const words of asked) {
    const [kind, address, count] = words.split(",").map(Number);
    const answer =
      kind === 3
        ? await client.readHoldingRegisters(address, count)
        : await client.readInputRegisters(address, count);
    const values = answer.response.body.valuesAsArray;
    console.log(Array.from(values, (value) => value.toString(16).padStart(4, "0")).join(" "));
  }
  process.exit(0);
}

main().catch((fault) => {
  console.error(fault.message ?? fault.err ?? fault);
  process.exit(1);
});
