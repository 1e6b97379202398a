"""The protocols of drops as text and bytes: tus, transfer.sh's headers, forms, and encrypted records."""
