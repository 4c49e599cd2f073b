/** What a viewer needs to connect. Pure. */

/** A virt-viewer connection file (`remote-viewer FILE`) for a SPICE server on loopback. */
export function viewerFile(title: string, port: number): string {
  return [
    "[virt-viewer]",
    "type=spice",
    "host=127.0.0.1",
    `port=${port}`,
    `title=${title.replaceAll(/[^ -~]/g, "")}`,
    "fullscreen=0",
    "",
  ].join("\n");
}

export function spiceUri(port: number): string {
  return `spice://127.0.0.1:${port}`;
}
