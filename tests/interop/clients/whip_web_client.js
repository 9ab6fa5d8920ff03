// Publishes the fake camera with @eyevinn/whip-web-client, trickling as it does by default.
import { WHIPClient } from "@eyevinn/whip-web-client";

globalThis.publish = async ({ url, token }) => {
  const client = new WHIPClient({ endpoint: url, opts: { authkey: token, iceServers: [] } });
  await client.setIceServersFromEndpoint();
  const stream = await navigator.mediaDevices.getUserMedia({ video: true, audio: true });
  await client.ingest(stream);
  globalThis.stop = () => client.destroy();
};
