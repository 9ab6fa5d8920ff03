/** npm's ws as it is meant to be used for a broadcast: one server, one buffer, send to each client. */

import { createInterface } from "node:readline";
import { WebSocketServer } from "ws";

const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false, backlog: 4096 });
server.on("listening", () => console.log(JSON.stringify({ port: server.address().port })));
server.on("connection", (socket) => socket.on("error", () => {}));

const text = "x".repeat(200);
createInterface({ input: process.stdin }).on("line", (line) => {
  const { events, every_ms } = JSON.parse(line);
  let left = events;
  const timer = setInterval(() => {
    for (const client of server.clients) client.send(text);
    left -= 1;
    if (left > 0) return;
    clearInterval(timer);
    console.log(JSON.stringify({ told: events }));
  }, every_ms);
});
process.stdin.on("close", () => process.exit(0));
