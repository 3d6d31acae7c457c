export const options = { tlsAuth: [], executionSegment: '0:1/2' };
export default function () {}
