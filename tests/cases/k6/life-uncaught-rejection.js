export default function () { Promise.reject(new Error('nobody catches it')); }
