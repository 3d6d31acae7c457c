const a = require('./lib/nothing.js');
exports.default = () => a;
