// Lists of invoices, at a rate that the limiter of the backend allows.
import { atARate, billing, needed } from './shared.js';

const token = needed('BILLING_API_TOKEN');
export const options = atARate('invoices');
export default function () { billing('invoices', token); }
