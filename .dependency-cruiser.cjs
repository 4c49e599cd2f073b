// Who may import whom, types included: `npm run lint` fails on anything else. The suffix of a file names
// its layer, see CONTRIBUTING.md.
"use strict";

/** Files of our own program: not tests, not generated code. */
const OWN = "^(config|core|components|cli|policies)/|^index\\.ts$";
/** No suffix: pure. */
const PURE = {
  path: "^(config|core|components)/",
  pathNot: "\\.(io|provider|resource)\\.ts$|^core/register\\.js$",
};
/** Node's modules that reach outside the process; of `net` only isIPv6 and its like are used, which are pure. */
const OUTSIDE =
  "^(node:)?(fs|fs/promises|child_process|http|https|dns|tls|dgram|worker_threads|cluster)$";

const rule = (name, comment, from, to) => ({ name, comment, severity: "error", from, to });

module.exports = {
  forbidden: [
    rule("no-cycle", "Data goes one way.", { path: OWN }, { circular: true }),
    rule(
      "pure-is-pure",
      "A file without a suffix is pure: no engine, no I/O. Give it the suffix .io, .provider or .resource, or move the pure half out.",
      PURE,
      { path: "@pulumi/|/sdks/|^sdks/|\\.(io|provider|resource)\\.ts$" },
    ),
    rule(
      "pure-reaches-nothing",
      "A file without a suffix is pure: it reads no file, starts no process, opens no connection.",
      PURE,
      { dependencyTypes: ["core"], path: OUTSIDE },
    ),
    rule(
      "io-knows-no-engine",
      "What talks to machines knows neither the engine nor handlers.",
      { path: "\\.io\\.ts$" },
      { path: "@pulumi/|^sdks/|\\.(provider|resource)\\.ts$" },
    ),
    rule(
      "handlers-know-no-resource",
      "A handler runs in another process than the program that declares its resource.",
      { path: "\\.provider\\.ts$" },
      { path: "\\.resource\\.ts$|@pulumi/(libvirt|command)|^sdks/" },
    ),
    rule(
      "policies-are-light",
      "Policies load config, core and pure models only: each preview pays for them.",
      { path: "^policies/" },
      { path: "\\.(io|provider|resource)\\.ts$|^cli/" },
    ),
    rule(
      "nothing-below-the-command-line",
      "cli/ is on top.",
      { path: "^(config|core|components|policies)/|^index\\.ts$" },
      { path: "^cli/" },
    ),
    rule(
      "rooms-go-one-way",
      "core knows no room; config knows core alone.",
      { path: "^(core|config)/" },
      { path: "^(components|cli|policies)/" },
    ),
    rule("core-is-below", "core knows no configuration.", { path: "^core/" }, { path: "^config/" }),
    rule("no-tests", "No test code in the program.", { path: OWN }, { path: "^(test|toolchain)/" }),
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    doNotFollow: { path: "node_modules|^sdks/" },
    exclude: { path: "^node_modules/(?!@pulumi/)" },
  },
};
