// use_installed.cpp - the same program for a C++ compiler.
#include "use_installed.c"
