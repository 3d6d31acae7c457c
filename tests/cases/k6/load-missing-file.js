
import { help } from './nothing.js';
export default function () { help(); }
