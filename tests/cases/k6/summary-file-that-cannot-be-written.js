// summary
export default function () {}
export function handleSummary() { return { 'no/such/folder/a.json': '{}' }; }
