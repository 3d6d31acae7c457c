'use strict';
const http = require('k6/http');
const { check } = require('k6');
const { Counter } = require('k6/metrics');
const lib = require('./lib/common.js');
const words = require('./lib/words.json');
const { twice } = require('./lib/double.js');
const isSame = require('./lib/common.js') === lib;
const seen = new Counter('seen');
module.exports.options = { iterations: 2 };
exports.setup = () => ({ from: 'setup' });
module.exports.default = function (data) {
  const r = http.get(`${__ENV.URL}/text`);
  check(r, { ok: (r) => r.status === 200 });
  seen.add(1);
  console.log(data.from, lib.name, lib.add(1, 2), twice(4), typeof http.default.get, http.__esModule, JSON.stringify(words).length, isSame);
};
