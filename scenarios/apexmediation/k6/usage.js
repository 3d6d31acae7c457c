// Usage of the running month, at a rate that the limiter of the backend allows.
import { atARate, billing, needed } from './shared.js';

const token = needed('BILLING_USAGE_TOKEN');
export const options = atARate('usage');
export default function () { billing('usage/current', token); }
