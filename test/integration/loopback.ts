/** Servers of tests on loopback, on a port that the kernel chooses. */
import { Server as HttpServer } from "node:http";
import { createServer, Server } from "node:net";

/** Listens, and returns the address as an http URL. */
export async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.on("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  return `http://127.0.0.1:${portOf(server)}`;
}

export function portOf(server: Server): number {
  const address = server.address();
  if (typeof address !== "object" || address === null)
    throw new Error("the server does not listen");
  return address.port;
}

/** Closes the server and its connections. */
export async function closed(server: Server): Promise<void> {
  if (server instanceof HttpServer) server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await listen(server);
  const port = portOf(server);
  await closed(server);
  return port;
}

/** Waits until `done`, for something that the test itself has started. */
export async function until(done: () => boolean, limitMs = 20_000): Promise<void> {
  const started = Date.now();
  while (!done()) {
    if (Date.now() - started > limitMs) throw new Error(`not in ${limitMs} ms: ${done.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
