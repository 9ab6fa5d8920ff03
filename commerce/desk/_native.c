/* The fast twin of two loops of a desk: `place` of propose.py, `pack` of live/log.py.

   `place` knows one case, the one that comes by the thousand: a new order of one line with nothing to object
   to. It does for it what gate, decide and evolve do in Python. In every other case it answers None and has
   touched nothing, so refusals, repetitions and rare commands have one home, the readable one. It knows the
   classes of commerce/show by `learn`, which takes the places of their slots from the classes themselves;
   it must never know Redis, time or randomness. tests/commerce/desk/test_twins.py plays both against each other.
   What each file of c/ does stands at its top; this one is what Python sees. */

#include "c/classes.h"
#include "c/place.h"

#define INTERFACE 2

static PyMethodDef methods[] = {
    {"learn", learn, METH_O, NULL},
    {"place", (PyCFunction)(void (*)(void))place, METH_FASTCALL, NULL},
    {"near", (PyCFunction)(void (*)(void))near_by, METH_FASTCALL, NULL},
    {"pack", (PyCFunction)(void (*)(void))pack, METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_native", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__native(void)
{
    PyObject *made_module = PyModule_Create(&module);
    if (made_module == NULL || place_begin() < 0
        || PyModule_AddIntConstant(made_module, "interface", INTERFACE) < 0)
        Py_CLEAR(made_module);
    return made_module;
}
