"""Compiled code of the CTC room: the forward-backward recursion, Viterbi, and what compiles them."""
