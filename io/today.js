// What the code of every dynamic provider in a state asks: the handler of io/<module>.ts, of today.
"use strict";

require("./register.js");

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
