// Lets a plain Node process (Pulumi's dynamic provider host) load this project's TypeScript.
// Types are checked by `npm run lint`, not at run time.
"use strict";

if (require.extensions[".ts"] === undefined) {
  require("ts-node").register({ transpileOnly: true, cwd: __dirname });
}
