import common, { add, thrown } from './lib/common.js';
const late = require('./lib/common.js');
export default function () {
  console.log(common.name, add(2, 3), late.name);
  try { require('k6'); } catch (error) { console.log(error.message); }
  thrown();
}
