/* No program at all. */
int nothing;
