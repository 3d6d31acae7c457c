import x from 'https://example.com/library.js';
export default function () { x(); }
