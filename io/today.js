// What the code of every dynamic provider in a state asks: the handler of io/<module>.ts, of today.
"use strict";

require("./register.js");

// An engine that was killed leaves its provider behind: nobody hears it, and its complaint that
// nobody hears it would itself be an error, for ever, at the cost of a core.
const engine = process.ppid;
const alone = () => process.exit(1);
for (const stream of [process.stdout, process.stderr]) stream.on("error", alone);
setInterval(() => process.ppid === engine || alone(), 1000).unref();

/**
 * A failure that keeps measurements (`properties`) replaces the resource's whole state; without the
 * provider's code in it no later refresh or delete could run.
 */
const keepProvider =
  ({ __provider }) =>
  (error) => {
    if (error.properties !== undefined) error.properties = { ...error.properties, __provider };
    throw error;
  };

exports.providerOf = (module) => {
  const { provider } = require(`./${module}`);
  return {
    ...provider,
    create: async (inputs) => provider.create(inputs).catch(keepProvider(inputs)),
    // Pulumi's own ways of a provider without the method are no answer of this project.
    ...(provider.update && {
      update: async (id, olds, news) => provider.update(id, olds, news).catch(keepProvider(news)),
    }),
  };
};
