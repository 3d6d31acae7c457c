// Types only; nothing is exported at run time.
export default {};
