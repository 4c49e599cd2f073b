/** Orders versions of Debian packages as dpkg does (Debian Policy 5.6.12). Pure. */

interface Parts {
  readonly epoch: number;
  readonly upstream: string;
  readonly revision: string;
}

function partsOf(version: string): Parts {
  const [, epoch, rest = ""] = /^(?:(\d+):)?(.*)$/s.exec(version) ?? [];
  const dash = rest.lastIndexOf("-");
  return {
    epoch: Number(epoch ?? 0),
    upstream: dash < 0 ? rest : rest.slice(0, dash),
    // An absent revision is the same as 0.
    revision: dash < 0 ? "0" : rest.slice(dash + 1),
  };
}

/** The order: `~`, the end of the text, letters, everything else. */
function weight(char: string | undefined): number {
  if (char === undefined) return 0;
  if (char === "~") return -1;
  return /[A-Za-z]/.test(char) ? char.charCodeAt(0) : char.charCodeAt(0) + 256;
}

function compareText(a: string, b: string): number {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const difference = weight(a[i]) - weight(b[i]);
    if (difference !== 0) return difference;
  }
  return 0;
}

function compareDigits(a: string, b: string): number {
  const [x, y] = [a.replace(/^0+/, ""), b.replace(/^0+/, "")];
  if (x.length !== y.length) return x.length - y.length;
  return x < y ? -1 : x > y ? 1 : 0;
}

/** Compares runs of non-digits and runs of digits in turn. */
function comparePart(a: string, b: string): number {
  let [restA, restB] = [a, b];
  while (restA !== "" || restB !== "") {
    for (const [run, compare] of [
      [/^\D*/, compareText],
      [/^\d*/, compareDigits],
    ] as const) {
      const [runA = ""] = run.exec(restA) ?? [];
      const [runB = ""] = run.exec(restB) ?? [];
      const order = compare(runA, runB);
      if (order !== 0) return order;
      restA = restA.slice(runA.length);
      restB = restB.slice(runB.length);
    }
  }
  return 0;
}

/** Negative: `a` is older than `b`; 0: they are equal; positive: `a` is newer. */
export function compareDebianVersions(a: string, b: string): number {
  const [x, y] = [partsOf(a), partsOf(b)];
  return (
    x.epoch - y.epoch || comparePart(x.upstream, y.upstream) || comparePart(x.revision, y.revision)
  );
}

/** `1:7.2+dfsg-7+deb12u18` -> `7.2+dfsg`, comparable with upstream's version numbers. */
export function upstreamOf(version: string): string {
  return partsOf(version).upstream;
}
