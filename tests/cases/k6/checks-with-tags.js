import { check } from 'k6';
export const options = { thresholds: { 'checks{kind:a}': ['rate==1'], 'checks{check:named}': ['rate==0'], 'checks{kind:b}': ['rate==0'] } };
export default function () { check(1, { ok: true }, { kind: 'a' }); check(1, { named: false }, { kind: 'b' }); }
