/** npm's socket.io as it is meant to be used for a broadcast: WebSocket alone, io.emit. */

import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { Server } from "socket.io";

const http = createServer();
const io = new Server(http, {
  transports: ["websocket"],
  perMessageDeflate: false,
  pingInterval: 60_000,
  pingTimeout: 60_000,
});
io.on("connection", (socket) => socket.on("error", () => {}));
http.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () =>
  console.log(JSON.stringify({ port: http.address().port })),
);

const text = "x".repeat(200 - '42["e",""]'.length);
createInterface({ input: process.stdin }).on("line", (line) => {
  const { events, every_ms } = JSON.parse(line);
  let left = events;
  const timer = setInterval(() => {
    io.emit("e", text);
    left -= 1;
    if (left > 0) return;
    clearInterval(timer);
    console.log(JSON.stringify({ told: events }));
  }, every_ms);
});
process.stdin.on("close", () => process.exit(0));
