// Only for states from before decision 16: their code loads this file, then io/<module>, which no
// longer exists as a file.
"use strict";

const Module = require("node:module");
const { join } = require("node:path");
const { handlers } = require("./names.json");
const { providerOf } = require("./today.js");

const load = Module._load;
Module._load = function (request, ...rest) {
  const module = Object.keys(handlers).find((name) => request === join(__dirname, name));
  return module === undefined
    ? load.call(this, request, ...rest)
    : { provider: providerOf(module) };
};
